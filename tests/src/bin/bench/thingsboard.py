"""Puts punches into thingsboard-gateway's own sqlite storage, one message each, in the form in which
the gateway stores what its MQTT connector converted. Prints the bytes on disk of one.

usage: thingsboard.py FOLDER RECORDS
"""

import logging
import os
import sys
import threading
import time

from simplejson import dumps

from thingsboard_gateway.gateway.entities.converted_data import ConvertedData
from thingsboard_gateway.gateway.entities.telemetry_entry import TelemetryEntry
from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage

PATIENCE_S = 240


def punch(number):
    converted = ConvertedData(device_name=f"bench-{number % 50:04}", device_type="terminal")
    values = {
        "v": 1,
        "boot": 1,
        "seq": number,
        "person": f"{number * 7 % 5000:05}",
        "at": "2026-11-10T08:59:31+08:00",
        "method": "fingerprint",
        "outcome": "granted",
        "direction": "in",
        "live": True,
    }
    converted.add_to_telemetry(TelemetryEntry(values, 1_793_000_000_000 + number))
    return dumps(converted.to_dict(), separators=(",", ":"), skipkeys=True)


def size(folder):
    return sum(os.stat(os.path.join(folder, name)).st_blocks * 512 for name in os.listdir(folder))


def main(folder, records):
    logger = logging.getLogger("storage")
    logger.trace = logger.debug
    storage = SQLiteEventStorage({"data_file_path": folder + "/"}, logger, threading.Event())
    empty = size(folder)
    for number in range(records):
        storage.put(punch(number))
    deadline = time.monotonic() + PATIENCE_S
    while not storage.write_queue.empty():
        if time.monotonic() > deadline:
            sys.exit("the storage does not keep up")
        time.sleep(0.2)
    # The last batch is being written.
    time.sleep(2)
    print((size(folder) - empty) / records)
    sys.stdout.flush()
    # Its threads do not end by themselves.
    os._exit(0)


main(sys.argv[1], int(sys.argv[2]))
