//! What each figure of `/metrics` says, for its `# HELP` line. A name that is not here is shown
//! without one; the tests of this room compare with what a gateway answers.

/// Name and meaning.
const HELP: [(&str, &str); 40] = [
    ("muster_alarms_delivered_total", "Alarms handed to a webhook or mail server, by result"),
    ("muster_alarms_total", "Alarms raised, by kind"),
    ("muster_check_status", "State of each check of /healthz: 0 ok, 1 degraded, 2 failing"),
    ("muster_destination_calls", "Metered calls made to a destination this month"),
    ("muster_destination_calls_limit", "Metered calls that a destination allows a month"),
    ("muster_dingtalk_read_back_total", "Records read back from DingTalk, by what was found"),
    ("muster_disk_free_bytes", "Free space where the data is"),
    ("muster_dropped_records", "Records whose payload a decision destroyed"),
    ("muster_egress_stopped_total", "Parcels stopped by the guard on their way out, by finding"),
    ("muster_held_records", "Records that are not sent yet because a decision holds them"),
    ("muster_intake_alarms_total", "Alarms about terminals, by reason"),
    ("muster_intake_checkins_total", "Check-ins taken in, by link and result"),
    ("muster_intake_evidence_dropped_total", "Pieces of evidence dropped unread, by reason"),
    ("muster_intake_refusals_total", "Check-ins refused for good, by reason"),
    ("muster_intake_unknown_fields_total", "Fields of check-ins that nobody knows, dropped"),
    ("muster_journal_append_seconds", "Time to write and sync one batch of the journal"),
    ("muster_journal_batch_records", "Records in one batch of the journal"),
    ("muster_journal_bytes", "Size of the journal"),
    ("muster_journal_failed_batches_total", "Batches that the disk refused"),
    ("muster_last_backup_timestamp_seconds", "When the last backup was made; 0 for never"),
    ("muster_mqtt_connections", "MQTT connections of terminals now"),
    ("muster_mqtt_connections_closed_total", "MQTT connections that ended, by reason"),
    ("muster_outbox_backlog_records", "Records on their way to a destination"),
    ("muster_outbox_paused", "Whether a destination is paused: 1 yes, 0 no"),
    ("muster_outbox_permitted_records", "Records that were permitted to go to a destination"),
    ("muster_outbox_undeliverable_records", "Permitted records that cannot be delivered"),
    ("muster_pairings_total", "Pairings of terminals, by result"),
    ("muster_parcels_settled_total", "Parcels settled, by destination and result"),
    ("muster_punches_total", "Punches committed to the journal, by verdict"),
    ("muster_quarantined_records", "Records set aside that need somebody"),
    ("muster_records", "Records in the journal"),
    ("muster_records_redecided_total", "Records decided again after a change of facts"),
    ("muster_refusals_total", "Refusals in the journal, by reason"),
    ("muster_region_pauses_total", "Pauses of destinations, by destination and reason"),
    ("muster_serial_frames_total", "Frames on serial ports, by result"),
    ("muster_siem_events_total", "Events handed to the collector"),
    ("muster_siem_failures_total", "Connections to the collector that failed"),
    ("muster_summaries_made_total", "Records made from sheets: days and counts"),
    ("muster_sweeps_failed_total", "Sweeps over records after a change of facts that failed"),
    ("muster_terminal_events_total", "Events that terminals logged, by kind"),
];

/// Tells the recorder, once it is installed.
pub(crate) fn describe() {
    for (name, what) in HELP {
        match name.ends_with("_total") {
            true => metrics::describe_counter!(name, what),
            false => metrics::describe_gauge!(name, what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_say_something() {
        assert!(HELP.is_sorted_by(|a, b| a.0 < b.0));
        for (name, what) in HELP {
            assert!(name.starts_with("muster_") && what.len() > 8, "{name}");
            assert!(!what.contains('\n') && !what.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn the_recorder_shows_what_a_figure_means() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let shown = metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::counter!("muster_punches_total", "verdict" => "new").increment(1);
            recorder.handle().render()
        });
        assert!(shown.contains("# HELP muster_punches_total Punches committed"), "{shown}");
    }
}
