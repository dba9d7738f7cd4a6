"""Strategies that draw expressions: any tree within the bounds, however odd its names."""

from decimal import Decimal

from hypothesis import strategies as st

from habitue.rules.tree import Block, Call, Expression, Literal, path

FAMILIAR = (
    *("=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "mod", "contains", "notContains"),
    *("and", "or", "not", "list", "kv", ".", ".|", "catch", "~", "!", "#", "do", "filter"),
    *("call", "var", "block", "add", "all_of", "matches", "lambda", "if", "true", "none", ""),
    *("setDiscount", "Größe", "_x", "__debug__", "AND"),
)
VARIABLES = (
    *("Session", "Total", "CartItems", "Item", "item", "SKU", "c_productType", "Class", "True"),
    *("None", "none", "True", "orderTotal", "Line1Total", "weird name", "Größe", "", "_", "ﬁ"),
)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
function_names = st.sampled_from(FAMILIAR) | texts
variable_names = st.sampled_from(VARIABLES) | texts


@st.composite
def numbers(draw: st.DrawFn) -> Decimal:
    """A number within the bounds of a rule, in any spelling: 1.10, 1E+2, -0."""
    digits = draw(st.integers(-(10**15), 10**15))
    exponent = draw(st.integers(-12, 0))
    number = Decimal(digits).scaleb(exponent)
    return number.copy_negate() if draw(st.booleans()) and number else number


literals = st.builds(Literal, numbers() | texts | st.booleans() | st.none())
paths = st.lists(variable_names, min_size=1, max_size=4).map(lambda names: path(*names))


def _grown(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    arguments = st.lists(children, max_size=4).map(tuple)
    calls = st.builds(Call, function_names, arguments)
    blocks = st.builds(Block, st.lists(variable_names, max_size=3).map(tuple), children)
    pairs = st.lists(st.builds(Call, texts, children.map(lambda child: (child,))), max_size=3)
    maps = pairs.map(lambda drawn: Call("kv", tuple(drawn)))
    return calls | blocks | maps


expressions: st.SearchStrategy[Expression] = st.recursive(literals | paths, _grown, max_leaves=15)

#: Documents that are often no rule at all.
documents: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text(max_size=6)
    | st.sampled_from((*FAMILIAR, *VARIABLES)),
    lambda children: (
        st.lists(children, max_size=5) | st.dictionaries(st.text(max_size=3), children, max_size=2)
    ),
    max_leaves=20,
)
