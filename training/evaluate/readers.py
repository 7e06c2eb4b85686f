"""The three sections of the report that are written for a person: a doctor, a data-protection officer, an engineer.

Rules of this file: words, with figures handed in. Nothing is claimed that the report does not show.
"""

from __future__ import annotations

DOCTOR = """\
## What a doctor should know

- **What it does.** A small sensor at the waist measures acceleration. Where |a| reaches {trigger_g:g} g{soft}, the
  unit looks at {before_s:g} s before the impact and {after_s:g} s after it, and the model answers with a score. From
  {threshold:g} on it calls. Cords and buttons have nothing to do with it: a person's own call is never weighed,
  delayed or stopped.
- **What the figures say.** Falls that healthy people acted out on mats were called as the tables show. They say
  little of a frail person's fall. It is known of other methods that found nearly all acted falls that they found far
  fewer real ones (Bagalà and others, PLoS ONE 7 (2012) e37062). Nobody has tried this model on a real fall.
- **What it can't see.** Whoever slides slowly to the floor, or leans down along a wall, may cause no trigger; then
  nothing is asked and nothing called ({no_trigger}). A sensor that is not worn sees nothing. It must be worn at the
  waist or hip: at the wrist it does not work, as the last of the tables by body position shows.
- **What it takes for a dropped sensor.** A sensor that flew for longer than any fall in these data (280 ms and more),
  and after which not even a breath is seen for ten seconds, was dropped: no call, but an audited suppression, and the
  centre is told that nobody wears it. A person who falls from a ladder and whose heart stops would be taken for that,
  too. Who falls so far and breathes is called up to ten seconds later ([architecture.md](../architecture.md)).
- **What it missed most** here: {missed}.
- **What it called falsely** here: {false}.
- **What the score is not.** It says how much a motion looks like these falls. It says nothing of injury, of how long
  somebody has been lying, or of how urgent it is.
- **What follows.** The sensor adds to a cord within reach of the floor and to people who look in; it replaces
  neither.
"""

PRIVACY = """\
## What leaves the home

- **Motion does not, without consent.** Samples are held in memory for the seconds that a trigger needs, and judged on
  the unit. What goes to the response centre about a trigger is: when, which sensor, the verdict, the score with its
  threshold, the model's name and hash, the reasons in words, and some of these numbers:
  {evidence}.
  What each is stands in [the contract](../contract/README.md#evidence), how it is made in [pipeline.md](pipeline.md).
- **What else says something of the person.** Whether somebody lies still or walks in the two minutes after a call;
  whether the sensor is worn; once a day how many triggers there were and a histogram of their scores, also of a model
  that is only tried. A clear trigger under the level of a plain sensor is counted, and nothing else of it leaves.
- **No person decides on a suppression; so none is silent.** A trigger that a plain sensor would have called and the
  model does not is told to the centre with its score and reasons. Uncertain ones draw on a budget; when it is spent
  they call.
- **Who is in this report.** {people} people of two public research datasets (with those of the wrist alone), under the
  codes that the datasets gave them. Nobody's name, address or health is in it, and no citizen of any municipality. The
  model holds {size} bytes of weights, and no recording.
- **What this repository holds.** Counts and figures over many recordings, and for each missed fall and false call
  some numbers. No recording, and no plot of a single one: the datasets name no licence that would allow it.
- **With consent only.** The unit keeps no motion for anybody to learn from unless the citizen's consent stands in the
  unit file. Then it keeps the motion around triggers, encrypted for the municipality, for 90 days at most; nothing
  sends it, a technician fetches it at the unit ([consent.md](../operations/consent.md)).
"""

ENGINEER = """\
## How to repeat it

```sh
make model      # trains from ../shared/data; leaves the five fold files in build/model/
make evaluate   # judges every recording again; writes this file, figures/ and traces/
nodkald replay --profile {profile} --sensor {sensor} --no-budget FILE.csv   # a recording of your own
```

- The verdicts come from the code of `nodkald replay`, which steps the unit's own core (`agent/replay.py`); each
  recording gets a unit of its own, without a budget. Training, replay and unit ask the model about the same windows
  bit for bit (`tests/unit/inference/test_one_truth.py`).
- Model `{label}`, sha256 `{sha256}`, threshold {threshold:g}. A test fails when this line and the shipped card
  differ: then the model changed, and this report was not made again.
- The fold files of this run: {folds}. The same seed ({seed}) and packages (`requirements/training.txt`) give the same
  files, and the same files give the same report, byte by byte.
- Times are in [benchmarks.md](../benchmarks.md): `make bench`.
- Intervals: 95 %, Wilson's for the effective number of recordings, clustered by person; formulas and sources are in
  `training/evaluate/intervals.py`. They take the people of a dataset for a sample of such people, and know nothing of
  others. Figures with few people behind them are rough whatever the interval says.
- **Not independent of development.** Each file has not seen the people it is judged on, but the threshold was frozen
  on these very scores, and network, trigger and training were chosen with these folds in sight. That in some recordings
  the getting up had been taken for the fall was found by looking at traces of single false calls. So the figures
  flatter, and by how much can't be said from here. The judgement that counts is on people and a dataset that nobody
  has tuned on.
"""
