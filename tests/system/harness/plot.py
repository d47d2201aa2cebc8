# SPDX-License-Identifier: BSD-2-Clause
"""Line charts as SVG, of nothing but text."""
import dataclasses
import html
import pathlib

WIDTH, HEIGHT = 420, 190  # of one panel, axes included
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 30, 34


@dataclasses.dataclass
class Panel:
    """points: (x, y) in the order of x; steps: each holds until the next.
    limit: a line across, with its name."""
    title: str
    unit: str
    points: list
    x_max: float
    y_max: float
    limit: float = None
    colour: str = "#1f6f8b"


def _nice(most):
    """A round number not below, and its quarter."""
    step = 1
    while True:
        for factor in (1, 1.5, 2, 2.5, 3, 4, 5):
            if 4 * step * factor >= most:
                return 4 * step * factor, step * factor
        step *= 10


def _number(value):
    return f"{value:g}"


def _axes(out, panel, x, y, w, h, top, step):
    for i in range(5):
        value = i * step
        at = y + h - h * value / top
        out.append(f'<path d="M{x} {at:.1f}h{w}" class="grid"/>'
                   f'<text x="{x - 5}" y="{at + 4:.1f}" class="y">'
                   f'{_number(value)}</text>')
    whole, step = _nice(panel.x_max)
    for i in range(5):
        value = i * step
        if value <= panel.x_max * 1.001:
            at = x + w * value / panel.x_max
            out.append(f'<text x="{at:.1f}" y="{y + h + 15}" class="x">'
                       f'{_number(value)} s</text>')
    out.append(f'<path d="M{x} {y}v{h}h{w}" class="axis"/>')


def _panel(out, panel, left, top_at):
    x, y = left + LEFT, top_at + TOP
    w, h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    top, step = _nice(panel.y_max)
    out.append(f'<text x="{x}" y="{y - 10}" class="title">'
               f'{html.escape(panel.title)}, {html.escape(panel.unit)}'
               '</text>')
    _axes(out, panel, x, y, w, h, top, step)
    path, last = [], None
    for px, py in panel.points:
        at = x + w * min(px, panel.x_max) / panel.x_max
        up = y + h - h * min(py, top) / top
        if last is None:
            path.append(f"M{at:.1f} {up:.1f}")
        else:
            path.append(f"H{at:.1f}")
            if up != last:
                path.append(f"V{up:.1f}")
        last = up
    out.append(f'<path d="{"".join(path)}" fill="none" '
               f'stroke="{panel.colour}" stroke-width="1.5"/>')
    if panel.limit is not None:
        at = y + h - h * panel.limit / top
        out.append(f'<path d="M{x} {at:.1f}h{w}" class="limit"/>'
                   f'<text x="{x + w}" y="{at - 4:.1f}" class="limit-name">'
                   f'limit {_number(panel.limit)}</text>')


def write(path, title, columns):
    """columns: lists of panels, one column each, from the top down."""
    rows = max(len(c) for c in columns)
    width, height = WIDTH * len(columns), HEIGHT * rows + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
           f'height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="11">',
           "<!-- SPDX-License-Identifier: BSD-2-Clause -->",
           "<style>.grid{stroke:#ddd}.axis{stroke:#444;fill:none}"
           ".limit{stroke:#c0392b;stroke-dasharray:5 3}"
           ".limit-name{fill:#c0392b;text-anchor:end}"
           ".y{text-anchor:end}.x{text-anchor:middle}"
           ".title{font-weight:bold}text{fill:#222}</style>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           f'<text x="10" y="20" font-size="14" class="title">'
           f'{html.escape(title)}</text>']
    for i, column in enumerate(columns):
        for k, panel in enumerate(column):
            _panel(out, panel, WIDTH * i, 30 + HEIGHT * k)
    out.append("</svg>")
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out) + "\n")
