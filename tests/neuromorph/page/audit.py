"""An audit of a page's HTML with the standard library: what a reader of any kind needs is there."""

import re
from collections import Counter
from html.parser import HTMLParser

from neuromorph.palette import COLOURS, DARK, PAPER, contrast, dark, task_colours

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements in order: (tag, attributes, names of the elements around, own text)."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "around": [one["tag"] for one in self.open], "text": "", **dict(attributes)}
        element["inside"] = list(self.open)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1]["tag"] == tag, f"</{tag}> ends {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, text):
        for one in self.open:
            one["text"] += text

    def all(self, *tags):
        return [one for one in self.elements if one["tag"] in tags]


def faults(text):
    """What is wrong with a page, as sentences; none for a good one."""
    page = Page(text)
    found = [f"{one['tag']} is not closed" for one in page.open]
    (html,) = page.all("html")
    found += [] if html.get("lang") else ["no language"]
    found += [] if len(page.all("title")) and page.elements[0]["tag"] == "html" else ["no title"]
    heads = [int(one["tag"][1]) for one in page.all("h1", "h2", "h3", "h4")]
    found += [] if heads.count(1) == 1 and heads[0] == 1 else ["not one h1, at first"]
    found += ["a level of headings is left out" for a, b in zip(heads, heads[1:], strict=False) if b > a + 1]
    found += [f"no {tag}" for tag in ("header", "nav", "main", "footer") if len(page.all(tag)) != 1]
    ids = Counter(one["id"] for one in page.elements if "id" in one)
    found += [f"id {name} {count} times" for name, count in ids.items() if count > 1]
    for one in page.elements:
        for name in ("aria-labelledby", "href"):
            target = one.get(name, "")
            if (name != "href" or target.startswith("#")) and target and target.removeprefix("#") not in ids:
                found.append(f"{one['tag']} refers to {target}, which is not there")
        for target in re.findall(r"url\(#([^)]+)\)", one.get("clip-path", "")):
            found += [] if target in ids else [f"clip-path {target} is not there"]
    for one in page.all("svg", "img"):
        named = one.get("aria-hidden") == "true" or (one.get("role") == "img" and one.get("aria-label", "").strip())
        found += [] if named or one.get("alt") else ["a picture without a name"]
    found += ["a link without words" for one in page.all("a") if not one["text"].strip()]
    found += ["a figure without caption" for _ in range(len(page.all("figure")) - len(page.all("figcaption")))]
    found += ["a table without caption" for one in page.all("table") if not _has(page, one, "caption")]
    found += ["a th without scope" for one in page.all("th") if one.get("scope") not in ("col", "row")]
    for one in page.elements:
        if "scroll" in one.get("class", "").split() and not (one.get("tabindex") == "0" and one.get("aria-label")):
            found.append("a region that scrolls cannot be reached by keys, or has no name")
    return found


def _has(page, outer, tag):
    return any(one["text"].strip() for one in page.all(tag) if outer in one["inside"])


def pale(style, tasks=0):
    """Colours of text and lines that are too faint on the page's papers; ``style``: the text of its <style>."""
    found = []
    roots = re.findall(r":root \{([^}]*--paper[^}]*)\}", style)
    assert len(roots) == 2
    for root, paper in zip(roots, PAPER, strict=True):
        named = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", root))
        assert named["paper"] == paper
        for name in ("ink", "quiet", "link"):
            found += [(name, on) for on in (paper, named["raised"]) if contrast(named[name], on) < 4.5]
    lines = [*COLOURS, *task_colours(tasks)]
    partners = DARK | dark(lines, tasks)
    found += [(one, PAPER[0]) for one in lines if contrast(one, PAPER[0]) < 3]
    found += [(one, PAPER[1]) for one in lines if contrast(partners[one], PAPER[1]) < 3]
    return found
