"""One choice of parameters is one source, and another choice is another."""

from __future__ import annotations

from itertools import islice

import pytest

from bankable.kernels.build.render import every_choice, render
from bankable.kernels.operators import FAMILIES
from bankable.tools.errors import UserError


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_a_source_is_stable_and_every_choice_gives_another_one(family):
    choices = list(every_choice(family, ((4, 256, 2, 64, 9)[: len(family.axes)],)))
    assert choices[0] == family.defaults()
    assert render(family, family.usual).digest == render(family, family.usual, choices[0]).digest
    digests = {render(family, dtype, choice).digest for choice in choices for dtype in family.allowed}
    assert len(digests) == len(family.allowed) * len(choices)


def test_the_text_says_what_it_was_made_from():
    source = render(FAMILIES["rms_norm"], "bfloat16", {"unroll": 4, "fixed_cols": 256})
    assert source.text.startswith("// rms_norm, bfloat16, vector_bits=512, unroll=4, thread_rows=0, fixed_cols=256\n")
    assert "#pragma GCC unroll 4" in source.text
    assert "if (cols == 256) { run<256>(" in source.text
    assert "omp parallel" not in source.text
    assert source.flags[-1] == "-mprefer-vector-width=512"
    assert source.implementation == f"cpp-{source.digest[:12]}"


def test_a_product_and_a_sum_are_one_rounding_only_where_the_live_path_is_a_librarys():
    flags = {name: render(family, family.usual).flags for name, family in FAMILIES.items()}
    assert {name for name, given in flags.items() if "-ffp-contract=fast" in given} == {
        "decode_attention",
        "linear",
        "prefill_linear",
    }
    assert all(("-ffp-contract=off" in given) != ("-ffp-contract=fast" in given) for given in flags.values())


@pytest.mark.parametrize("choice", [{"colour": 1}, {"unroll": 3}, {"fixed_cols": -1}, {"fixed_rows": 4}])
def test_a_parameter_that_is_not_offered_is_a_users_mistake(choice):
    with pytest.raises(UserError):
        render(FAMILIES["rms_norm"], "bfloat16", choice)


def test_a_dtype_without_kernels_is_a_users_mistake():
    with pytest.raises(UserError, match="Cannot use dtype float16"):
        render(FAMILIES["rms_norm"], "float16")
    with pytest.raises(UserError, match="one of float32"):
        render(FAMILIES["top_k_sampling"], "bfloat16")


def test_specialised_sizes_are_those_of_the_shapes():
    fixed = {choice["fixed_cols"] for choice in every_choice(FAMILIES["rms_norm"], ((4, 256), (8, 768), (9, 256)))}
    assert fixed == {0, 256, 768}
    assert len(list(islice(every_choice(FAMILIES["rms_norm"]), 100))) == 2 * 3 * 3
