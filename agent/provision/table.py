"""The table of questions, in the order in which they are asked.

Rules of this file: a row says what is asked, when, what is proposed and what is taken; the functions are in
`proposals.py` and `taking.py`. Nothing asks for a name, an address or anything about a person.
"""

from __future__ import annotations

from agent.provision import proposals, taking
from agent.provision.questions import Entry, effective_unit_id
from agent.texts import Text

TABLE: tuple[Entry, ...] = (
    Entry(
        "language",
        Text("Sprog i hjemmet", "Language in the home"),
        Text("Af tekster, som borger og tekniker læser.", "Of texts that citizen and technician read."),
        take=taking.take_choice(lambda _n, _a, _w: proposals.LANGUAGES),
        default=lambda _n, _a, world: world.existing.language if world.existing else world.language,
        choices=lambda _n, _a, _w: proposals.LANGUAGES,
    ),
    Entry(
        "claim",
        Text("Fil fra kontoret (claim)", "Claim file from the office"),
        Text(
            "Stien til filen, fx /media/usb/u-k7qm3xw2ar.claim.toml. Tom, hvis du ingen har.",
            "The file's path, such as /media/usb/u-k7qm3xw2ar.claim.toml. Empty if you have none.",
        ),
        take=taking.take_claim,
        default=lambda _n, _a, _w: "",
    ),
    Entry(
        "identity",
        Text(
            "Enheden er allerede sat op som {unit}. Hvad nu?", "The unit is provisioned already, as {unit}. What now?"
        ),
        Text(
            "I begge tilfælde laves en ny nøgle; den gamle opsætning gælder, til den nye er skrevet.",
            "Either way a new key is made; the old set-up holds until the new one is written.",
        ),
        take=taking.take_choice(lambda _n, _a, _w: proposals.IDENTITY),
        applies=proposals.once_if(lambda answers, world: world.existing is not None and not answers.get("claim")),
        default=lambda _n, _a, _w: "keep",
        choices=lambda _n, _a, _w: proposals.IDENTITY,
        facts=lambda _a, world: {"unit": world.existing.unit_id if world.existing else ""},
    ),
    Entry(
        "tenant",
        Text("Kommune", "Municipality"),
        Text("Kortnavn med små bogstaver, fx aabenraa.", "Its short name in small letters, such as aabenraa."),
        take=taking.take_tenant,
        default=proposals.from_existing(lambda unit: unit.tenant),
    ),
    Entry(
        "profile",
        Text("Profil: hvad er enheden bygget af?", "Profile: what is the unit built of?"),
        Text(
            "Tallet, eller stien til en profil, der ender på .toml. Fundet: {board}.",
            "The number, or the path of a profile that ends in .toml. Found: {board}.",
        ),
        take=taking.take_profile,
        default=lambda _n, _a, world: world.proposed_profile(),
        choices=proposals.profile_choices,
        facts=lambda _a, world: {"board": world.board() or "-"},
    ),
    Entry(
        "room",
        Text("Hvor sidder {name}?", "Where does {name} hang?"),
        Text("Rummet følger med hvert opkald.", "The room goes with every call."),
        take=taking.take_choice(lambda _n, _a, _w: proposals.ROOM_CHOICES),
        applies=proposals.ask_for_sensors,
        default=proposals.room_default,
        choices=lambda _n, _a, _w: proposals.ROOM_CHOICES,
    ),
    Entry(
        "port",
        Text("Hvilken port sidder {name} på?", "Which port is {name} on?"),
        Text("Tallet, eller en sti under /dev/serial/.", "The number, or a path below /dev/serial/."),
        take=taking.take_port,
        applies=proposals.ask_for_wearables,
        default=proposals.port_default,
        choices=proposals.port_choices,
    ),
    Entry(
        "pre_alarm",
        Text("Sekunder til at afbryde et automatisk opkald", "Seconds to cancel an automatic call"),
        Text("0 til 60. Gælder aldrig snor og knap.", "0 to 60. Never applies to a cord or button."),
        take=taking.take_seconds,
        applies=proposals.once_if(
            lambda answers, world: "profile" in answers and world.profile(answers["profile"]).wearables
        ),
        default=proposals.or_else(proposals.from_existing(lambda unit: f"{unit.pre_alarm.seconds:g}"), "10"),
    ),
    Entry(
        "primary.host",
        Text("Centralens broker: værtsnavn eller IP-adresse", "The centre's broker: host name or IP address"),
        Text("Som det står i brokerens certifikat.", "As it stands in the broker's certificate."),
        take=taking.take_host,
        default=proposals.from_path(0, lambda unit, i: unit.uplink.paths[i].host),
    ),
    Entry(
        "primary.port",
        Text("Brokerens port", "The broker's port"),
        Text("8883 er det sædvanlige med TLS.", "8883 is the usual one with TLS."),
        take=taking.take_broker_port("primary"),
        default=proposals.or_else(proposals.from_path(0, lambda unit, i: str(unit.uplink.paths[i].port)), "8883"),
    ),
    Entry(
        "primary.protocol",
        Text("Brokerens protokol", "The broker's protocol"),
        Text("mqtt311 kun hvis centralen siger det.", "mqtt311 only if the centre says so."),
        take=taking.take_choice(lambda _n, _a, _w: proposals.PROTOCOLS),
        default=proposals.or_else(proposals.from_path(0, lambda unit, i: unit.uplink.paths[i].protocol), "mqtt5"),
        choices=lambda _n, _a, _w: proposals.PROTOCOLS,
    ),
    Entry(
        "secondary.host",
        Text("Den anden vej: en anden brokers vært", "The second path: another broker's host"),
        Text("Tom eller - for ingen.", "Empty or - for none."),
        take=taking.take_second_host,
        default=proposals.or_else(proposals.from_path(1, lambda unit, i: unit.uplink.paths[i].host), ""),
    ),
    Entry(
        "secondary.port",
        Text("Den anden brokers port", "The second broker's port"),
        Text("8883 er det sædvanlige med TLS.", "8883 is the usual one with TLS."),
        take=taking.take_broker_port("secondary"),
        applies=proposals.once_if(lambda answers, _: answers.get("secondary.host")),
        default=proposals.or_else(proposals.from_path(1, lambda unit, i: str(unit.uplink.paths[i].port)), "8883"),
    ),
    Entry(
        "secondary.protocol",
        Text("Den anden brokers protokol", "The second broker's protocol"),
        Text("mqtt311 kun hvis centralen siger det.", "mqtt311 only if the centre says so."),
        take=taking.take_choice(lambda _n, _a, _w: proposals.PROTOCOLS),
        applies=proposals.once_if(lambda answers, _: answers.get("secondary.host")),
        default=proposals.or_else(proposals.from_path(1, lambda unit, i: unit.uplink.paths[i].protocol), "mqtt5"),
        choices=lambda _n, _a, _w: proposals.PROTOCOLS,
    ),
    Entry(
        "ca",
        Text("Centralens CA-certifikat", "The centre's CA certificate"),
        Text(
            "Filens sti, eller indsæt teksten (-----BEGIN CERTIFICATE----- …).",
            "The path of its file, or paste its text (-----BEGIN CERTIFICATE----- …).",
        ),
        take=taking.take_authority,
        default=lambda _n, answers, _w: "" if proposals.is_all_loopback(answers) else None,
    ),
    Entry(
        "certificate",
        Text("Enhedens certifikat fra kontoret", "The unit's certificate from the office"),
        Text(
            "Send denne anmodning til kontoret (den er ikke hemmelig; den ligger i {csr_path}):\n\n{csr}\n"
            "Giv så stien til certifikatet, eller indsæt det. q holder pause, til det kommer.",
            "Send this request to the office (it is no secret; it is in {csr_path}):\n\n{csr}\n"
            "Then give the certificate's path, or paste it. q pauses until it comes.",
        ),
        take=taking.take_certificate,
        applies=proposals.once_if(lambda answers, _: answers.get("ca")),
        facts=lambda answers, world: world.request(effective_unit_id(answers, world)),
    ),
    Entry(
        "confirm",
        Text("Skal det skrives? (ja/nej)", "Write this? (yes/no)"),
        Text("{files}\n\n{unit_file}", "{files}\n\n{unit_file}"),
        take=taking.take_confirmation,
        facts=lambda answers, world: world.summary(answers),
    ),
)
"""In the order in which they are asked."""
