"""The service behind each VSS writer, by the writer's class id.

Writers without a service of their own run inside the shadow copy service itself.
"""

SQL_WRITER = "a65faa63-5ea8-4ebc-9dbd-a0c4db26912a"

# Writer's id: service, end of the remedy's id.
_SERVICES = {
    "be000cbe-11fe-4426-9c58-531aa6355fc4": ("VSS", "vss"),  # ASR
    "4969d978-be47-48b0-b100-f328f07ac1e0": ("BITS", "bits"),
    "6f5b15b5-da24-4d88-b737-63063e3a1f86": ("CertSvc", "certsvc"),
    "542da469-d3e1-473c-9f4f-7847f01fc64f": ("VSS", "vss"),  # COM+ registration database
    "2707761b-2324-473d-88eb-eb007a359533": ("DFSR", "dfsr"),
    "be9ac81e-3619-421f-920f-4c6fea9e93ad": ("DHCPServer", "dhcp"),
    "d76f5a28-3092-4589-ba48-2958fb88ce29": ("NtFrs", "ntfrs"),
    "12ce4370-5bb7-4c58-a76a-e5d5097e3674": ("SrmSvc", "srmsvc"),
    "2a40fd15-dfca-4aa8-a654-1f8c654603f6": ("AppHostSvc", "apphost"),
    "59b1f0cf-90ef-465f-9609-6ca8b2938366": ("IISADMIN", "iisadmin"),
    "76fe1ac4-15f7-4bcd-987e-8e1acb462fb7": ("MSExchangeIS", "exchange-store"),
    "7e47b561-971a-46e6-96b9-696eeaa53b2a": ("MSExchangeRepl", "exchange-replication"),
    "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de": ("vmms", "vmms"),
    "b2014c9e-8711-4c5c-a5a9-3cf384484757": ("NTDS", "ntds"),
    "afbab4a2-367d-4d15-a586-71dbb18f8485": ("VSS", "vss"),  # registry
    "4dc3bdd4-ab48-4d07-adb0-3bee2926fd7f": ("VSS", "vss"),  # shadow copy optimisation
    "75dfb225-e2e4-4d39-9ac9-ffaff65ddf06": ("VSS", "vss"),  # metadata store
    "0bada1de-01a9-4625-8278-69e735f39dd2": ("VSS", "vss"),  # performance counters
    SQL_WRITER: ("SQLWriter", "sqlwriter"),
    "e8132975-6f93-4464-a53e-1050253ae220": ("CryptSvc", "cryptsvc"),  # system writer
    "d61d61c8-d73a-4eee-8cdd-f6f9786b7124": ("Schedule", "schedule"),
    "a6ad56c2-b509-4e6c-bb19-49d8f43532f0": ("Winmgmt", "winmgmt"),
    "368753ec-572e-4fc7-b4b9-ccd9bdc624cb": ("TSGateway", "tsgateway"),
    "5382579c-98df-47a7-ac6c-98a6d7106e09": ("TermServLicensing", "tslicensing"),
    "f08c1483-8407-4a26-8c26-6c267a629741": ("WINS", "wins"),
    "8d5194e1-e455-434a-b2e5-51296cce67df": ("WIDWriter", "widwriter"),
    "cd3f2362-8bef-46c7-9181-d62844cdc0b2": ("WSearch", "wsearch"),
    "da452614-4858-5e53-a512-38aab25c61ad": ("SPWriterV4", "spwriter"),
    "41e12264-35d8-479b-8e5c-9b23d1dad37e": ("ClusSvc", "clussvc"),
    "1072ae1c-e5a7-4ea1-9e4a-6f7964656570": ("ClusSvc", "clussvc"),  # cluster shared volumes
    "35e81631-13e1-48db-97fc-d5bc721bb18a": ("EventSystem", "eventsystem"),  # network policy
}

# The names that Windows gives its writers; a writer of an application may be called otherwise.
_NAMES = {
    "ASR Writer": "be000cbe-11fe-4426-9c58-531aa6355fc4",
    "BITS Writer": "4969d978-be47-48b0-b100-f328f07ac1e0",
    "Certificate Authority": "6f5b15b5-da24-4d88-b737-63063e3a1f86",
    "COM+ REGDB Writer": "542da469-d3e1-473c-9f4f-7847f01fc64f",
    "DFS Replication service writer": "2707761b-2324-473d-88eb-eb007a359533",
    "Dhcp Jet Writer": "be9ac81e-3619-421f-920f-4c6fea9e93ad",
    "FRS Writer": "d76f5a28-3092-4589-ba48-2958fb88ce29",
    "FSRM Writer": "12ce4370-5bb7-4c58-a76a-e5d5097e3674",
    "IIS Config Writer": "2a40fd15-dfca-4aa8-a654-1f8c654603f6",
    "IIS Metabase Writer": "59b1f0cf-90ef-465f-9609-6ca8b2938366",
    "Microsoft Exchange Writer": "76fe1ac4-15f7-4bcd-987e-8e1acb462fb7",
    "Microsoft Exchange Replica Writer": "7e47b561-971a-46e6-96b9-696eeaa53b2a",
    "Microsoft Hyper-V VSS Writer": "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de",
    "NTDS": "b2014c9e-8711-4c5c-a5a9-3cf384484757",
    "Registry Writer": "afbab4a2-367d-4d15-a586-71dbb18f8485",
    "Shadow Copy Optimization Writer": "4dc3bdd4-ab48-4d07-adb0-3bee2926fd7f",
    "SqlServerWriter": SQL_WRITER,
    "System Writer": "e8132975-6f93-4464-a53e-1050253ae220",
    "Task Scheduler Writer": "d61d61c8-d73a-4eee-8cdd-f6f9786b7124",
    "WMI Writer": "a6ad56c2-b509-4e6c-bb19-49d8f43532f0",
    "TS Gateway Writer": "368753ec-572e-4fc7-b4b9-ccd9bdc624cb",
    "WINS Jet Writer": "f08c1483-8407-4a26-8c26-6c267a629741",
    "WIDWriter": "8d5194e1-e455-434a-b2e5-51296cce67df",
    "MSSearch Service Writer": "cd3f2362-8bef-46c7-9181-d62844cdc0b2",
    "SharePoint Services Writer": "da452614-4858-5e53-a512-38aab25c61ad",
    "Cluster Database": "41e12264-35d8-479b-8e5c-9b23d1dad37e",
    "NPS VSS Writer": "35e81631-13e1-48db-97fc-d5bc721bb18a",
}

_IDS = {name.lower(): known for name, known in _NAMES.items()}


def id_of(name: str) -> str:
    """A writer's class id by its name, "" for one that is not known."""
    return _IDS.get(name.strip().lower(), "")


def name_of(writer: str) -> str:
    """What Windows calls the writer of this class id, or the id."""
    return next((name for name, known in _NAMES.items() if known == writer.lower()), writer)


def service_of(writer: str) -> str:
    """The service behind a writer, "" for one that is not known."""
    return _SERVICES.get(writer, ("", ""))[0]


def remedy_of(writer: str) -> str:
    return f"vss.restart.{_SERVICES.get(writer, ('VSS', 'vss'))[1]}"
