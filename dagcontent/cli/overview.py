"""The commands there are, and the text of `dagcontent --help`. Imports nothing: help is to be there at once."""

from __future__ import annotations

from typing import Final

__all__ = ["COMMANDS", "LATER", "SHORT", "help_text"]

COMMANDS: Final = {
    "Making": {
        "build": "Run what is missing and place the outputs.",
        "plan": "The dry run: what a build would do, and why.",
        "check": "Every mistake of a graph in one pass.",
        "new": "Write a small graph to start from.",
    },
    "Choosing": {
        "takes": "Every result a node ever had: what differed, what it cost.",
        "reroll": "Have another sample made of a node; going back is free.",
        "pick": "Choose one of a selection's candidates.",
        "approve": "Let a gate give on what it shows.",
        "reject": "Have a gate fail for what it shows, with a note.",
        "pin": "Keep a node's result, whatever becomes of its inputs.",
        "unpin": "Let it be what its inputs make it.",
    },
    "Looking": {
        "why": "What of a node differs from its last build, field by field.",
        "runs": "The history of builds: how they ended, what they made and cost.",
        "show": "A node's result: its file, its facts, how and when it was made.",
        "open": "A node's result, in this machine's own viewer.",
        "gallery": "One page of a build: every result with player, prompt and cost.",
        "graph": "The picture of a graph: svg, mermaid, dot, json or text.",
        "kinds": "The kinds of nodes, with their parameters.",
        "models": "The models there are: what they make, take and cost.",
        "schema": "The JSON schemas, for editors and programs.",
    },
    "Keeping": {
        "jobs": "Paid requests that are open: go on with them, or settle them.",
        "spend": "What was spent: by node, model, provider, day, graph or run.",
        "store": "The store of results: its size, its place, its health.",
        "doctor": "Whether this machine has what builds need.",
    },
}
"""Every command by section, with its line of help: its module has the same name."""

LATER: Final = frozenset("watch replace diff ui import trust".split())
"""Commands of the language that this version has not."""

SHORT: Final = {name: text for section in COMMANDS.values() for name, text in section.items()}
"""The line of help of every command."""

_HEAD: Final = """\
Usage: dagcontent COMMAND [OPTIONS] [ARGS]...

  Build content that models make, from a declared graph: only what is missing.
"""
_FOOT: Final = """
  dagcontent COMMAND --help says more. --version shows the version.

Begin with:
  dagcontent new DIR                 a graph to start from
  dagcontent build DIR/graph.toml    make it

Completion: put one of these where your shell starts
  eval "$(_DAGCONTENT_COMPLETE=bash_source dagcontent)"     # ~/.bashrc
  eval "$(_DAGCONTENT_COMPLETE=zsh_source dagcontent)"      # ~/.zshrc
  _DAGCONTENT_COMPLETE=fish_source dagcontent | source      # config.fish
"""


def help_text() -> str:
    """Return what `dagcontent --help` prints: at most 80 columns."""
    wide = max(map(len, SHORT))
    lines = [_HEAD]
    for section, rows in COMMANDS.items():
        lines.append(f"{section}:")
        lines += [f"  {name:<{wide}}  {text}" for name, text in rows.items()]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n" + _FOOT
