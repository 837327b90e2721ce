"""What a pattern of neurons does to a synapse: sparse coding under the common rules that gate plasticity."""

from fusi_models.checks import check_fraction, one_of


def coding(f: float, rule: str = "pre") -> tuple[float, float]:
    """What a pattern of coding level ``f`` does to a synapse: (fraction of synapses touched, f_pot among them).

    ``rule``: "pre" or "post" (that neuron gates; the other one's activity is the sign), "symmetric" (potentiation if
    the two neurons agree), "coincidence" (potentiation if both fire, depression if exactly one does).
    """
    check_fraction("f", f)
    both, one = f * f, 2 * f * (1 - f)
    rules = {"pre": (f, f), "post": (f, f), "symmetric": (1.0, 1 - one), "coincidence": (both + one, f / (2 - f))}
    return rules[one_of("rule", rule, tuple(rules))]
