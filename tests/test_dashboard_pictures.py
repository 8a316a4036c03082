"""A conversation going wrong and its mended twin, played by the model that ships, as people see it.

python -m pytest tests/test_dashboard_pictures.py --pictures docs/images
"""

from __future__ import annotations

import asyncio
import time

from dashboards import opened, played, visiting

import uptake
from uptake.model import Scripted
from uptake.serve.store import Store

# Asked first, told over turns, and one fact corrected. The answer is 15 + (15 + 7) = 37.
TURNS = (
    "How many stamps do Ann and Ben have together?",
    "Ann has 12 stamps.",
    "Ben has 7 more stamps than Ann.",
    "Sorry, I meant 15 stamps for Ann, not 12.",
)
RIGHT = "The answer is 37."


async def _others(store: Store, at: float) -> None:
    """Some more conversations, so that the list is one; their replies are written out."""
    scenes = (
        (
            ["A table for 5 on Monday, please.", "It should be quiet.", "Make that Tuesday."],
            "trip-7",
        ),
        (["Translate the report.", "Wait for the rest, I have more to say."], None),
        (["Ann has 12 apples. Ben has 3.", "Since Ann has 9 apples, how many are there?"], "quiz"),
        (["Name a good tree for a small garden."], None),
    )
    for place, (turns, thread) in enumerate(scenes):
        model = Scripted(["A good question.", "Noted.", "Booked."], name="llama-3.2-3b")
        arm = "shadow" if place == 3 else "mediated"
        for turn in await played(model, turns, at=at - 400 * (place + 1), thread=thread, arm=arm):
            await store.add(turn)


def test_a_conversation_goes_wrong_and_its_mended_twin_does_not(pictures, tmp_path):
    async def look():
        model, now = uptake.load_model("embedded"), time.time() - 200
        bare = await played(model, TURNS, arm="shadow", at=now, seed=1)
        mended = await played(model, TURNS, at=now + 90, seed=1, thread="stamps")
        async with opened() as store:
            await _others(store, now)
            for turn in [*bare, *mended]:
                await store.add(turn)
            async with visiting(store, replay=_replay) as (page, address):
                for name, path in (
                    ("list", "/"),
                    ("wrong", f"/c/{bare[0].conversation}"),
                    ("mended", f"/c/{mended[0].conversation}"),
                    ("arms", "/arms"),
                ):
                    await page.open(address + path)
                    await page.js(
                        "document.querySelectorAll('.step:last-of-type .got')"
                        ".forEach(got => { got.open = true; })"
                    )
                    await page.js("new Promise(drawn => setTimeout(drawn, 100))")
                    (pictures / f"dashboard-{name}.png").write_bytes(await page.picture())
                    await page.show(width=390, dark=True)
                    wide = await page.js(
                        "document.documentElement.scrollWidth"
                        " - document.documentElement.clientWidth"
                    )
                    assert wide == 0, name
                    (tmp_path / f"dashboard-{name}-phone.png").write_bytes(await page.picture())
                    await page.show(width=1280)
                assert page.complaints == []
        return bare, mended

    bare, mended = asyncio.run(look())
    assert RIGHT not in str(bare[-1].reply)
    assert RIGHT in str(mended[-1].reply)
    assert mended[-1].move == "repair"


async def _replay(turn, line):
    yield "not asked for here"
