"""Runs under the engine's interpreter, with or without an overlay on its path: what sglang's sampler draws.

    sampling_probe.py EQUAL

Prints a JSON line: tokens of each call, how probable each of them was, and the random number that comes next. With
``EQUAL`` of 1 probabilities are of rounded logits, so that many are equal.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from sglang.srt.layers import sampler

CALLS = ((4, 1024, 20), (4, 1024, 20), (3, 1000, 20), (5, 333, 333), (1, 64, 1), (4, 1024, 20), (2, 40000, 50))


def main(equal: bool) -> None:
    drawn, likely = [], []
    with torch.inference_mode():
        torch.manual_seed(7)
        for index, (rows, vocab, most) in enumerate(CALLS):
            own = torch.Generator().manual_seed(index)
            logits = 3 * torch.randn(rows, vocab, generator=own)
            probs = torch.softmax(logits.bfloat16().float() if equal else logits, dim=-1)
            top_ks = torch.randint(1, most + 1, (rows,), generator=own).int()
            top_ps = 0.3 + 0.7 * torch.rand(rows, generator=own)
            some = probs[:, :1].view(-1)
            asked = [
                ((False,), {"max_top_k": most}),
                ((False,), {"max_top_k": None}),
                ((True,), {"max_top_k": most}),
                ((False,), {"max_top_k": vocab + 1}),
                ((False,), {"max_top_k": most, "return_filtered_probs": True}),
            ]
            for (min_p,), named in asked:
                found = sampler.top_k_top_p_min_p_sampling_from_probs_torch(
                    probs, top_ks, top_ps, 0.1 * some, min_p, None, None, **named
                )
                tokens = found[0] if isinstance(found, tuple) else found
                assert tokens.dtype is torch.int32
                drawn.append(tokens.tolist())
                likely.append(probs.gather(1, tokens.long().view(-1, 1)).view(-1).tolist())
        following = float(torch.rand(()))
    time.sleep(1.6)  # reports are written once a second
    print(json.dumps({"drawn": drawn, "likely": likely, "following": following}))


main(sys.argv[1] == "1")
