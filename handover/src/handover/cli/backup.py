"""``handover backup``: a backup that was restored and compared."""

from handover.backup.backup import make_backup
from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption
from handover.config.config import load_config
from handover.cutover.evidence_gates import note_newest
from handover.journal.journal import opened
from handover.journal.processes import registered


def backup(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False) -> None:
    """Dump the database, list the files, restore into an empty database, and compare; keep the result as evidence."""
    pair = load_config(config)
    if not apply:
        where = pair.root / pair.backup.folder
        out.print(f"Would dump the shared database and list the files into {where}, then restore the dump into a new")
        out.print(f"database on the server that {pair.backup.restore_url_env} names, compare, and drop that database.")
        out.print("Nothing was changed. To do it: handover backup --apply")
        return
    with registered(pair.root, "backup"), opened(pair) as journal:
        journal.connection()
        facts = make_backup(pair, say=progress.print)
        note_newest(pair, journal, "backup")
    out.print(f"{facts['tables']} tables, {facts['rows']} rows, {facts['objects']} files: restored, and equal.")
    out.print(f"The backup is in {facts['folder']}")
