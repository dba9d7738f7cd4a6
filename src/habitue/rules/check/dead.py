"""Warnings about rules, and parts of rules, that can never do what they were written for.

Words: a *dead* part of a condition is one whose value is known beforehand although it was written
to depend on something. `["and", true]` is how rulesets say "always" and is not warned about.
"""

from habitue.rules.check.fold import UNKNOWN, Folder, is_zero
from habitue.rules.check.report import Findings, quoted
from habitue.rules.tree import Block, Call, Expression, Literal


def warn_condition(findings: Findings, folder: Folder, condition: Expression) -> None:
    """Warns where `condition` is always or never true, or holds dead parts."""
    value = folder.fold(condition)
    if value is False:
        _warn_never(findings, folder, condition)
    elif value is True:
        if not _is_plain(condition):
            findings.warn(condition, "Always holds", "this condition is true for every request")
    else:
        _warn_dead_parts(findings, folder, condition)


def warn_formula(findings: Findings, folder: Folder, formula: Expression) -> None:
    """Warns about divisions by zero inside `formula`, and about conditions inside its blocks."""
    match formula:
        case Call(name, arguments):
            if name.lower() in ("/", "mod"):
                for divisor in arguments[1:]:
                    if is_zero(folder.fold(divisor)):
                        findings.warn(formula, "Division by zero", "this never has a value")
            for argument in arguments:
                warn_formula(findings, folder, argument)
        case Block(_, body):
            warn_formula(findings, folder, body)
            if isinstance(folder.fold(body), bool) or _is_joined(body):
                warn_condition(findings, folder, body)


def _is_joined(node: Expression) -> bool:
    return isinstance(node, Call) and node.name.lower() in ("and", "or", "not", "catch", ".|")


def _is_plain(node: Expression) -> bool:
    """Whether `node` says true or false openly: a literal, or an `and` of literals."""
    if isinstance(node, Call) and node.name.lower() in ("and", "or"):
        return all(map(_is_plain, node.arguments))
    return isinstance(node, Literal)


def _warn_never(findings: Findings, folder: Folder, condition: Expression) -> None:
    culprit = _culprit(folder, condition)
    if folder.lacks_feature(culprit):
        return  # has been told as a feature that is off
    clash = folder.clash(culprit)
    if clash is None:
        findings.warn(culprit, "Never holds", "this is false for every request")
        return
    one, other = map(quoted, clash)
    details = f"these two exclude each other: {one} and {other}"
    findings.warn(culprit, "Never holds", details)


def _culprit(folder: Folder, node: Expression) -> Expression:
    """The innermost part that is false by itself and makes `node` false."""
    if isinstance(node, Call):
        name = node.name.lower()
        false = [part for part in node.arguments if folder.fold(part) is False]
        if name == "and" and false:
            return _culprit(folder, false[0])
        if name == "or" and len(node.arguments) == 1:
            return _culprit(folder, node.arguments[0])
        if name in ("catch", ".|") and folder.fold(node.arguments[1]) is False:
            return _culprit(folder, node.arguments[1])
    return node


def _warn_dead_parts(findings: Findings, folder: Folder, node: Expression) -> None:
    if not isinstance(node, Call) or not _is_joined(node):
        return
    for part in node.arguments:
        value = folder.fold(part)
        if value is UNKNOWN:
            _warn_dead_parts(findings, folder, part)
        elif isinstance(value, bool) and not _is_plain(part) and node.name.lower() in ("and", "or"):
            _warn_dead(findings, folder, part, value)


def _warn_dead(findings: Findings, folder: Folder, part: Expression, value: bool) -> None:
    if value:
        findings.warn(part, "Dead part", "this part is true for every request and decides nothing")
    elif not folder.lacks_feature(_culprit(folder, part)):
        findings.warn(part, "Dead part", "this part is false for every request and decides nothing")
