"""Results of a measurement as a table, JSON and a plot."""

import json
import os
import shutil
import statistics
import subprocess

NAMES = {"none": "no plugin", "open": "no plugin, storage open", "small": "no plugin, COPY, small", "copy": "no plugin, COPY first",
         "shipped": "shipped plugin", "ours": "this plugin", "ours-fewer": "two thirds as many mails", "ours-flag": "held by a flag",
         "ours-header": "held by a header", "ours-read": "held by a header that the hold reads", "ours-catalog": "with a catalog",
         "ours-due": "by the catalog", "ours-jobs2": "-j 2", "ours-jobs4": "-j 4", "cyrus": "Cyrus IMAP",
         "ours-again": "this, the second time", "ours-after": "this, after maintain", "ours-restored": "this, restored before",
         "ours-new": "this, from a new mailbox", "ours-noted": "this, the note is there",
         "shipped-last": "shipped, last instance",
         "ours-last": "this, last instance"}
COLOURS = {"none": "#777777", "open": "#e7298a", "small": "#66a61e", "copy": "#bbbb44", "shipped": "#d95f02", "ours": "#1b9e77",
           "shipped-last": "#e7a36f", "ours-last": "#7570b3"}
# What the others are held against: the first that takes part.
BASES = ("cyrus", "none", "ours")
PLOTTED = ("expunge-open", "expunge-fresh")


def row(target, form, fsync, case, size, series, samples):
    """One line of the results: times in milliseconds, cpu too (None where it is not measured), memory in KiB, left in bytes."""
    times = samples.times[series]
    quarter = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return {"dovecot": ".".join(map(str, target.version)), "target": target.name, "format": form, "fsync": fsync, "case": case.name,
            "title": case.title, "unit": case.size, "size": size, "series": series, "samples": len(times),
            "cpu": statistics.median(samples.cpu[series]) if samples.cpu[series] else None,
            "median": statistics.median(times), "low": quarter[0], "high": quarter[2], "min": min(times), "max": max(times),
            "memory": max((peak for peak in samples.memory[series] if peak), default=None),
            "left": statistics.median(samples.left[series]) if samples.left[series] else None}


def print_rows(case, form, fsync, target, size, rows):
    """The table of one case, format, mail_fsync and size."""
    print(f"\n{case.title}: {form}, mail_fsync = {fsync}, {size:,} {case.size}, {target}")
    base = next((name for name in BASES if any(found["series"] == name for found in rows)), BASES[-1])
    title = "/ " + NAMES[base]
    print(f"  {'':<27}{'median ms':>12}{'quartiles':>22}{'samples':>9}{'peak KiB':>10}{title:>13}{'/ shipped':>11}"
          f"{'CPU ms':>10}{title:>13}{'/ shipped':>11}")
    for found in rows:
        spread = f"{found['low']:.2f} - {found['high']:.2f}"
        peak = found["memory"] or ""
        left = f"{found['left']:>14,.0f} bytes left" if found["left"] is not None else ""
        print(f"  {NAMES[found['series']]:<27}{found['median']:>12.2f}{spread:>22}{found['samples']:>9}{peak:>10}"
              f"{_ratio(found, rows, base):>13}{_ratio(found, rows, 'shipped'):>11}"
              f"{_cpu(found, rows, base)}{left}", flush=True)


def _cpu(found, rows, base):
    if not found["cpu"]:
        return ""
    return f"{found['cpu']:>10.2f}{_ratio(found, rows, base, 'cpu'):>13}{_ratio(found, rows, 'shipped', 'cpu'):>11}"


def _ratio(found, rows, base, what="median"):
    """To the series base. With only_last_instance the shipped plugin has it, too."""
    if base == "shipped" and found["series"].endswith("-last"):
        base = "shipped-last"
    bases = [other[what] for other in rows if other["series"] == base]
    return f"{found[what] / bases[0]:.2f}" if bases and bases[0] else ""


def growth(rows):
    """Lines that say how much more a delete costs in the largest storage than in the smallest."""
    lines = []
    for case in PLOTTED:
        of = lambda found: (found["target"], found["format"], found["fsync"], found["series"])
        for key in sorted({of(found) for found in rows if found["case"] == case}):
            found = sorted((r for r in rows if r["case"] == case and of(r) == key), key=lambda r: r["size"])
            if len(found) > 1:
                lines.append(f"  {case:<15}{key[0]:<8}{key[1]:<9}{key[2]:<11}{NAMES[key[3]]:<24}{found[0]['size']:>7,} to {found[-1]['size']:>7,}: "
                             f"{found[-1]['median'] / found[0]['median']:.2f}" + _cpu_growth(found))
    return lines


def _cpu_growth(found):
    if not (found[0]["cpu"] and found[-1]["cpu"]):
        return ""
    return f", on a CPU {found[-1]['cpu'] / found[0]['cpu']:.2f}"


def write(rows, directory, about):
    """bench.json and a plot for each mail_fsync in the directory, and the growth on the terminal."""
    lines = growth(rows)
    if lines:
        print("\nGrowth with the storage\n" + "\n".join(lines))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bench.json").write_text(json.dumps(dict(about, cores=os.cpu_count(), rows=rows), indent=1) + "\n")
    print(f"\n{directory / 'bench.json'}")
    for fsync in dict.fromkeys(found["fsync"] for found in rows if found["case"] in PLOTTED):
        plot([found for found in rows if found["fsync"] == fsync], directory / f"bench-{fsync}.svg")


def plot(rows, path):
    """Latency against the size of the storage: a row for each case, a column for each format."""
    if shutil.which("gnuplot") is None:
        print("gnuplot is missing: no plot")
        return
    target = rows[0]["target"]
    rows = [found for found in rows if found["case"] in PLOTTED and found["target"] == target]
    cases = [case for case in PLOTTED if any(found["case"] == case for found in rows)]
    formats = list(dict.fromkeys(found["format"] for found in rows))
    script = [f'set terminal svg size {340 * len(formats) + 20},{300 * len(cases) + 40} font "sans-serif,11" background "white"',
              f'set output "{path}"', f"set multiplot layout {len(cases)},{len(formats)}",
              "set logscale xy", "set grid lc rgb '#dddddd'", "set key top left samplen 1 font ',9'", "set yrange [0.05:1000]",
              'set xlabel "mails in the storage"', 'set ylabel "ms"', 'set format x "10^{%L}"']
    for case in cases:
        for form in formats:
            script += _panel([found for found in rows if found["case"] == case and found["format"] == form], form)
    done = subprocess.run(["gnuplot"], input="\n".join(script).encode(), capture_output=True)
    if done.returncode != 0:
        raise RuntimeError("gnuplot: " + done.stderr.decode(errors="replace"))
    print(path)


def _panel(rows, form):
    series = [name for name in NAMES if any(found["series"] == name for found in rows)]
    if not series:
        return ["set multiplot next"]
    curves, data = [], []
    for name in series:
        curves.append(f"'-' using 1:2:3:4 with yerrorlines lw 1.5 pt 7 ps 0.5 lc rgb '{COLOURS[name]}' title '{NAMES[name]}'")
        points = sorted((found["size"], found["median"], found["low"], found["high"]) for found in rows if found["series"] == name)
        data += [" ".join(map(str, point)) for point in points] + ["e"]
    title = f"{rows[0]['title']}: {form}".replace("'", "")
    return [f"set title '{title}' font ',10'", "plot " + ", ".join(curves)] + data
