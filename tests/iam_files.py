"""A small made-up data set in the format of IAM-OnDB, as archives or folders."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

TEXTS = {
    "a01-000u": [
        "Ada waters the old garden",
        "and counts the tall plants",
        "by the wall . It 's late ,",
        "so she goes in",
    ],
    "a01-020": [
        "A second hand writes on",
        "the same board with care",
        "for the model to learn",
        "what letters look like",
    ],
    "b02-010z": [
        "Validation lines are not",
        "for training but for",
        "finding out when a model",
        "has learnt enough",
    ],
    "c03-005": [
        "This form is the test set",
        "whose lines the paper",
        "trained on as well since",
        "it had no use for them",
    ],
}
SPLITS = {
    "trainset": ["a01-000u", "a01-020"],
    "testset_v": ["b02-010z"],
    "testset_t": [],
    "testset_f": ["c03-005"],
}
WRITERS = {"a01-000u": "10001", "a01-020": "10002", "b02-010z": "10003", "c03-005": "10001"}
ARCHIVES = {"lineStrokes": "lineStrokes-all", "ascii": "ascii-all", "original": "original-xml-all"}

_HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'


def strokes_for(text: str, tilt: float = 0.0) -> list[list[tuple[int, int]]]:
    """A zigzag of seven points and, now and then, a dot for each letter; raw whole units."""
    strokes, x = [], 1000
    for i, c in enumerate(text):
        if c != " ":
            code = ord(c)
            ys = [2000 + (90 if (k + code) % 2 else -60) + 7 * (code * k % 5) for k in range(7)]
            stroke = [(x + 12 * k, y) for k, y in enumerate(ys)]
            strokes.append(stroke)
            if code % 4 == 1:
                strokes.append([(x + 40, 1850 + i % 7)])
        x += 110
    return [[(px, py + round(tilt * (px - 1000))) for px, py in s] for s in strokes]


def line_xml(strokes: list[list[tuple[object, object]]]) -> bytes:
    body = "".join(
        '<Stroke colour="black" start_time="1.00" end_time="2.00">\n'
        + "".join(f'<Point x="{x}" y="{y}" time="1.00"/>\r\n' for x, y in stroke)
        + "</Stroke>\n"
        for stroke in strokes
    )
    return (
        f"{_HEAD}<WhiteboardCaptureSession><WhiteboardDescription>"
        '<SensorLocation corner="top_left"/><DiagonallyOppositeCoords x="6512" y="1376"/>'
        f"</WhiteboardDescription>\n<StrokeSet>\n{body}</StrokeSet></WhiteboardCaptureSession>\n"
    ).encode("iso-8859-1")


def form_xml(form: str, writer: str) -> bytes:
    return (
        f'{_HEAD}<WhiteboardCaptureSession><General><Form id="{form}" writerID="{writer}" saveTime="1.0"/>'
        "</General><StrokeSet/></WhiteboardCaptureSession>"
    ).encode()


def line_path(name: str) -> str:
    return f"lineStrokes/{name[:3]}/{name[:7]}/{name}.xml"


def text_path(form: str) -> str:
    return f"ascii/{form[:3]}/{form[:7]}/{form}.txt"


def form_path(form: str) -> str:
    return f"original/{form[:3]}/{form[:7]}/strokes{form[7:]}.xml"


def data_set() -> dict[str, bytes]:
    """Path -> content of every file, the split files included. 16 good lines."""
    files = {f"{split}.txt": "".join(f" {f}\n" for f in forms).encode() for split, forms in SPLITS.items()}
    for form, texts in TEXTS.items():
        csr = "\r\n".join(texts)
        files[text_path(form)] = f"OCR: \r\n\r\nsome print\r\n\r\nCSR: \r\n\r\n{csr}\r\n".encode("iso-8859-1")
        files[form_path(form)] = form_xml(form, WRITERS[form])
        for number, text in enumerate(texts, 1):
            files[line_path(f"{form}-{number:02d}")] = line_xml(strokes_for(text))
    return files


def write_folders(files: dict[str, bytes], root: Path) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def archive(members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def write_archives(
    files: dict[str, bytes], root: Path, extra: dict[str, list[tuple[tarfile.TarInfo, bytes]]] | None = None
) -> Path:
    """The data set as it is distributed; `extra` members go to the front of the archive of a folder."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        if "/" not in path:
            (root / path).write_bytes(content)
    for folder, name in ARCHIVES.items():
        members = [member(p, c) for p, c in files.items() if p.startswith(folder + "/")]
        (root / f"{name}.tar.gz").write_bytes(archive([*(extra or {}).get(folder, []), *members]))
    return root
