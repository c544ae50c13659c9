from holdfast.hypervisor.backup_jobs import read_stats


def test_running_backup_is_told_with_its_scratch() -> None:
    stats = read_stats(
        {
            "type": 2,
            "operation": 9,
            "time_elapsed": 44,
            "disk_temp_used": 65536,
            "disk_temp_total": 134217728,
        }
    )

    assert stats is not None
    assert stats.is_backup
    assert (stats.elapsed_ms, stats.scratch_used, stats.scratch_total) == (44, 65536, 134217728)


def test_no_job_and_completed_jobs_are_none() -> None:
    assert read_stats({"type": 0}) is None
    assert read_stats({"type": 3, "operation": 9}) is None


def test_other_work_is_no_backup() -> None:
    stats = read_stats({"type": 1, "operation": 5})

    assert stats is not None
    assert (stats.operation, stats.is_backup) == ("migration-out", False)


def test_work_this_table_does_not_know_is_work_too() -> None:
    stats = read_stats({"type": 1, "operation": 77})

    assert stats is not None
    assert stats.operation == "unknown"
