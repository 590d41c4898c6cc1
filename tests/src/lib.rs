//! What crosses rooms: leak, wire, sim, power, canary, browser, bench.
