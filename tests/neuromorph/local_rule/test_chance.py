from neuromorph.local_rule import chance


def test_every_purpose_and_number_draws_its_own():
    made = [
        chance.initial_states(3),
        chance.initial_states(3, 1),
        chance.initial_states(4),
        chance.transitions((3,), 0),
        chance.transitions((3,), 1),
        chance.transitions((3,), 0, 1),
        chance.transitions((3, 0), 0),
        chance.transitions((0, 3), 0),
        chance.imprinting(3),
        chance.feedback(3),
    ]
    assert len({float(rng.random()) for rng in made}) == len(made)
    seeds = {chance.transition_seed((3,), k) for k in range(50)} | {chance.imprinting_seed(3)}
    assert len(seeds) == 51 and max(seeds) < 2**32
