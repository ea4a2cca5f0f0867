"""Instructions are counted by what they do."""

from __future__ import annotations

from bankable.kernels.diagnosis.layers.assembly import mix_of, parse_instructions, select_innermost

TEXT = """
kernel.so:     file format elf64-x86-64

Disassembly of section .text:

0000000000001100 <frame_dummy>:
    1100:	jmp    1080 <register_tm_clones>

0000000000001110 <bankable_run>:
    1110:	push   %rbp
    1111:	mov    %rsp,%rbp
    1114:	vmovups (%rdi),%ymm0
    1118:	vfmadd132ps (%rcx,%r11,1),%ymm2,%ymm0
    111e:	vmulss %xmm1,%xmm2,%xmm3
    1122:	vaddpd %zmm0,%zmm1,%zmm2
    1128:	vmovaps %ymm0,-0x40(%rbp)
    112d:	vmovaps 0x20(%rsp),%ymm4
    1132:	vmovss %xmm0,(%rsp)
    1137:	vmovups 0x10(%rsp,%rax,4),%ymm1
    113c:	lea    0x8(%rsp),%rax
    1141:	lock xadd %eax,(%rdx)
    1146:	xchg   %ax,%ax
    1148:	ret

0000000000001150 <helper>:
    1150:	mov    -0x8(%rbp),%eax
"""


def test_a_listing_is_read_without_what_the_linker_adds():
    found = parse_instructions(TEXT)
    assert len(found) == 15
    assert found[0x1118].mnemonic == "vfmadd132ps"
    assert {entry.function for entry in found.values()} == {"bankable_run", "helper"}


def test_lanes_times_operations_are_the_flops():
    found = parse_instructions(TEXT)
    assert [found[place].flops for place in (0x1114, 0x1118, 0x111E, 0x1122)] == [0, 16, 1, 8]


def test_places_on_the_stack_are_told_from_arrays_and_other_pointers():
    found = parse_instructions(TEXT)
    spilled = sorted(place for place, it in found.items() if it.spilled)
    assert spilled == [0x1128, 0x112D, 0x1132], "not the array, not the address, not where rbp is like any other"


def test_a_mix_weighs_by_how_often():
    found = parse_instructions(TEXT)
    mix = mix_of((entry, 10.0) for entry in found.values())
    assert (mix.instructions, mix.spills, mix.locked, mix.flops) == (150, 30, 10, 250)
    assert mix.vector == {512: 10, 256: 50, 128: 20, 0: 70}
    assert list(mix.vector) == [512, 256, 128, 0]


def test_inner_loops_are_those_without_another_inside():
    text = """
0000000000001000 <run>:
    1000:\tmov    %rax,%rbx
    1004:\tvmovaps 0x20(%rsp),%ymm4
    1008:\tvaddps %ymm1,%ymm2,%ymm3
    100c:\tjne    1004 <run+0x4>
    1010:\tjle    1018 <run+0x18>
    1014:\tjmp    1000 <run>
    1018:\tjmp    2000 <elsewhere>
    101c:\tret
"""
    inner = select_innermost(parse_instructions(text))
    assert [entry.mnemonic for entry in inner] == ["vmovaps", "vaddps", "jne"]
    assert [item.spilled for item in inner] == [True, False, False]
