"""The report's text, with places for what was counted.

Rules of this file: words only. The first lines of the report say what the data are not.
"""

from __future__ import annotations

DOCUMENT = """\
# Report on the fall model {label}

{not_these}
Made by `make evaluate`; do not edit. Every recording was judged by a file that had not learnt from its person,
through the code that `nodkald replay` and the unit run, with the frozen threshold {threshold:g}. In brackets,
everywhere: 95 % intervals, clustered by person ("How to repeat it" says how). Other pages: [the model card](card.md),
[from samples to a verdict](pipeline.md).

## The targets

{targets}

"Not beyond doubt" and "within the interval": the target lies inside the interval, so that other people of the same
kind could have given the other answer. A fall counts as called if the unit calls anywhere in its recording. A false
call is a trigger of daily life that the model took for a fall.

{strict}
{rule}
{doctor}
{privacy}
## What was judged

{material}

Hours are those of the recordings. They are dense: everything in them was done to be recorded, much of it to provoke a
sensor. Calls an hour of this are not calls an hour of life, and no count here says how many there will be in a home.

## Sensitivity against false calls

![Falls called against false calls an hour, for any threshold of the model and for plain threshold sensors of 1.6 to 8
g, with 95 % bands, by source](figures/sensitivity.svg)

Bands are 95 % intervals of the sensitivity at each threshold, one by one; the cross is the frozen threshold with both
of its intervals. A rate of nothing is drawn at the left edge.

{curve}

![How many recordings had which highest score](figures/scores.svg)

From {uncertain_above:g} to {threshold:g} a trigger is uncertain: suppressed, audited, and drawn from a budget of
{budget} in 24 hours, above which it calls. Here every recording stands alone, so no budget was spent; a day as dense
as these recordings would spend it: {uncertain}.

## By dataset and body position

{sources}

*Without trigger*: falls too soft to make the unit look at them at all; they are among those not called. The data's
own page doubts the phone's recordings: many cuts probably miss the impact.

The wrist, for which the model is not made, and which a unit's configuration refuses:

{wrist}

## By age

{ages}

{older_falls}
## By kind of fall

![Falls called, by kind of fall](figures/falls.svg)

{fall_types}

## By activity of daily life

![Daily life without a call, by activity](figures/daily-life.svg)

{activities}

*Called by rule*: recordings in which the model called at nothing, but which end within 1 s of an impact or hold a
shock that no body can have had. The unit calls `unverified` then, whatever the model says. It says where a recording
was cut, so it counts for nothing above.

## By person

<details><summary>{people} people, a row for each source they are in</summary>

Intervals of one person widen by how alike the recordings of one person are: they speak of people like this one.

{subjects}

</details>

## Beside a plain threshold sensor

A sensor that calls at every peak over {reference_g:g} g (the level that finds 99 % of SisFall's falls), given the
same samples:

{versus}

Triggers that the unit calls by rule have no score and count for nothing here. The [card](card.md), which training makes
without the unit's rules, counts some of them by their score: its triggers are a few more.

## The second look

Everything above is the first verdict. After it the unit keeps looking: who lies still for {lying_still_s:g} s since
the impact makes a call of an uncertain trigger, and who is up and walking turns a call's advice to `phone_first`;
nothing withdraws a call.

{second_look}

These recordings can hardly show it: most end before {lying_still_s:g} s have passed, and in those of falls people get
up because the recording is over. What it does for somebody who stays on the floor is shown with made-up motion only
(`tests/property/test_second_look.py`).

## Calibration

![Share of falls among triggers, by score, with counts](figures/reliability.svg)

{calibration}

## Every missed fall

Traces are plots of single recordings, so they are not in the repository: the datasets name no licence that would
allow it. `make evaluate` draws them on your machine, into `docs/model/traces/`, where the links lead. The trigger
with the highest score stands for a missed fall.

{missed}

## Every false call

{false}

{engineer}
"""

NOT_THESE = """\
**What the data are not.** All {falls} falls are acted, on mats, by {fallers} people, nearly all of them under 30;
{by_the_old}. No real fall is among them. Daily life is scripted and dense: {hours:.1f} hours of it hold {triggers}
triggers, {hourly:.0f} an hour. Nights, illness, walking aids, and sensors that are dropped, bumped, taken off or left
on a table are not in them. So nothing below says how often this model finds a real fall of an older person, nor how
often it calls falsely in a home.
"""

RULE = """\
The {by_rule} recordings of daily life that the unit calls `unverified` by rule, because they end within 1 s of an
impact, count for nothing. With them, {silent} of {count} recordings of SisFall's daily life are without a call.
"""

STRICT = """\
Counted strictly, by a call within {seconds:g} s of the recording's largest |a|, SisFall has {share}.
"""

OLDER_FALLS = """\
Falls called of people of 60 and over: {share}, of {people} people.
"""

NO_OLDER_FALLS = """\
**No fall of a person of 60 and over is in this material.** SisFall has older people SE01 to SE15; one of them, SE06,
who was 60 and trained in judo, also acted falls, and is not in the folder that this report was made from. How many
falls of older people the model finds can't be said from it.
"""

CALIBRATION = """\
Of {count} triggers with a score {falls} were the trigger of a fall. Expected calibration error in ten bins:
{own.ece:.4f}; Brier score: {own.brier:.4f}, where always answering with the share of falls has {own.guess:.4f}.
Weighted so that falls were half of all triggers: {even.ece:.4f} and {even.brier:.4f} (beside {even.guess:.4f}). What
a score means depends on how many triggers are falls; in a home there are far fewer than here, and a score is no
probability of a fall there.
"""
