"""Reads recordings of Crosstie with MCAP's own library: every message must be there and fit the schema of its channel.

usage: recording.py FILE...   A file that was cut is read as far as it goes."""

import json
import sys

from jsonschema import Draft202012Validator
from mcap.exceptions import EndOfFile, McapError
from mcap.reader import make_reader
from mcap.records import Attachment, Channel, DataEnd, Message, Metadata, Schema
from mcap.stream_reader import StreamReader

TOPICS = ["/crosstie/samples", "/crosstie/state", "/crosstie/inputs", "/crosstie/gaps"]


def main() -> int:
    for name in sys.argv[1:]:
        whole, counts = read_in_order(name)
        if whole:
            read_by_index(name, counts)
        end = "whole" if whole else "cut"
        print(f"{name}: {end}, " + ", ".join(f"{counts[topic]} {topic}" for topic in TOPICS))
    print(f"recordings: {len(sys.argv) - 1} passed, 0 failed")
    return 0


def read_in_order(name: str) -> tuple[bool, dict[str, int]]:
    """Every record from the begin, as somebody reads who does not know where the end is."""
    schemas: dict[int, Draft202012Validator] = {}
    channels: dict[int, Channel] = {}
    counts = dict.fromkeys(TOPICS, 0)
    session, project, last, whole = None, [], 0, False
    with open(name, "rb") as file:
        try:
            for record in StreamReader(file).records:
                if isinstance(record, Schema):
                    assert record.encoding == "jsonschema", record.encoding
                    schema = json.loads(record.data)
                    Draft202012Validator.check_schema(schema)
                    assert schema["title"] == record.name or record.name == "crosstie.State", record.name
                    schemas[record.id] = Draft202012Validator(schema)
                elif isinstance(record, Channel):
                    assert record.message_encoding == "json", record.message_encoding
                    channels[record.id] = record
                elif isinstance(record, Metadata) and record.name == "crosstie.session":
                    session = record.metadata
                elif isinstance(record, Attachment):
                    project.append(record.name)
                elif isinstance(record, Message):
                    channel = channels[record.channel_id]
                    message = json.loads(record.data)
                    schemas[channel.schema_id].validate(message)
                    counts[channel.topic] += 1
                    assert record.log_time >= last, f"{channel.topic} goes back in time"
                    last = record.log_time
                elif isinstance(record, DataEnd):
                    whole = True
        except (EndOfFile, McapError):
            pass
    assert session is not None and session["format"] == "1", session
    assert "project/crosstie.toml" in project, project
    assert counts["/crosstie/state"] > 0 and counts["/crosstie/samples"] > 0, counts
    return whole, counts


def read_by_index(name: str, counts: dict[str, int]) -> None:
    """Through the summary at the end, as Foxglove reads."""
    with open(name, "rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.statistics.message_count == sum(counts.values())
        topics = sorted(channel.topic for channel in summary.channels.values())
        assert topics == sorted(TOPICS), topics
        read = sum(1 for _ in reader.iter_messages())
        assert read == sum(counts.values()), (read, counts)
        assert reader.get_header().profile == "crosstie"


if __name__ == "__main__":
    sys.exit(main())
