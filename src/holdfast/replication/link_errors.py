"""What can go wrong between two hosts: at the one that sends, and at the site that takes in."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_

_CLOCKS = N_(
    "Compare the clocks of both hosts with `timedatectl` and let them follow a time server; "
    "it goes on by itself."
)
_RENEW_HERE = N_(
    "Run `holdfast agent renew` on this host; when the server refuses that as well, register the "
    "machine again: `holdfast register --credentials FILE`. Without a server, have the site run "
    "`holdfast replication admit` for this host again."
)
_RENEW_THERE = N_(
    "Run `holdfast agent renew` on that host; when the server refuses that as well, register it "
    "again there: `holdfast register --credentials FILE`. Without a server, run "
    "`holdfast replication admit` at the site again."
)
_ONE_SERVER = N_(
    "Both hosts must be registered with the same server: compare `holdfast agent status` on both. "
    "Without a server, the file that `holdfast replication admit` made at this very site has to be "
    "joined at the source."
)
_SITE_LOG = N_("Look at the site: `journalctl -u holdfast-agent` there names this host.")


class SiteUnreachable(HoldfastError):
    code = "site-unreachable"
    sentence = N_("The site {site} cannot be reached at {place}: {reason}")
    remedy = N_(
        "See that `holdfast replication serve` runs there and that firewalls let TCP through to "
        "{place}. Changes are kept here meanwhile, and sending goes on by itself."
    )
    retry = Retry.LATER


class LinkLost(HoldfastError):
    code = "site-link-lost"
    sentence = N_("The connection to {place} was lost: {reason}")
    remedy = N_(
        "Nothing is lost, and it goes on where it stopped. If it happens often, look for a "
        "firewall that ends long connections, and at `journalctl -u holdfast-agent` there."
    )
    retry = Retry.LATER


class LinkSilent(HoldfastError):
    code = "site-link-silent"
    sentence = N_("Nothing was heard from {place} for {seconds} seconds")
    remedy = N_(
        "See that the host still answers and that the way to it is up. It is connected again by "
        "itself."
    )
    retry = Retry.LATER


class LinkClosed(HoldfastError):
    code = "site-link-closed"
    sentence = N_("The connection to {place} was ended from here")
    remedy = N_("Start the replication again: `holdfast replication run`, or the agent does.")
    retry = Retry.LATER


class LinkGarbled(HoldfastError):
    """Whoever is there does not speak as we do; a fault of ours, or another program."""

    code = "site-link-garbled"
    sentence = N_("What came from {place} makes no sense: {reason}")
    remedy = N_(
        "See that the port is that of `holdfast replication serve` and that both hosts have the "
        "same version: `holdfast --version`."
    )
    retry = Retry.LATER


class LinkVersionsDiffer(HoldfastError):
    code = "site-link-versions"
    sentence = N_("{place} speaks version {theirs} of the replication link, this host {ours}")
    remedy = N_("Update Holdfast on the older of the two hosts; it goes on by itself.")
    retry = Retry.LATER


class IdentityUnusable(HoldfastError):
    code = "link-identity-unusable"
    sentence = N_("This host cannot prove who it is with {file}: {reason}")
    remedy = N_("Register this host (again): `holdfast register --credentials FILE`.")


class OwnCertificateExpired(HoldfastError):
    code = "link-certificate-expired"
    sentence = N_("The certificate of this host, {file}, expired at {ended}; it is {now} here")
    remedy = _RENEW_HERE
    retry = Retry.LATER


class OwnCertificateEarly(HoldfastError):
    code = "link-certificate-early"
    sentence = N_("The certificate of this host, {file}, begins at {begins}; it is {now} here")
    remedy = _CLOCKS
    retry = Retry.LATER


class OwnCertificateForClients(HoldfastError):
    """It was given before hosts were connected to; a renewed one is good for both ends."""

    code = "link-certificate-for-clients"
    sentence = N_("The certificate of this host, {file}, is only good for connecting to others")
    remedy = N_("Run `holdfast agent renew` on this host, then start the site again.")
    retry = Retry.LATER


class SiteNotTrusted(HoldfastError):
    code = "site-not-trusted"
    sentence = N_("{place} shows a certificate that is not of this host's authority: {reason}")
    remedy = _ONE_SERVER


class SiteCertificateExpired(HoldfastError):
    code = "site-certificate-expired"
    sentence = N_("The certificate of the site at {place} has expired; it is {now} here")
    remedy = _RENEW_THERE
    retry = Retry.LATER


class SiteClockDiffers(HoldfastError):
    code = "site-clock-differs"
    sentence = N_("{place} and this host disagree about the time: {reason}; it is {now} here")
    remedy = _CLOCKS
    retry = Retry.LATER


class SiteCertificateForClients(HoldfastError):
    code = "site-certificate-for-clients"
    sentence = N_("The certificate of the site at {place} is only good for connecting to others")
    remedy = N_("Run `holdfast agent renew` on that host and start its site again.")
    retry = Retry.LATER


class SiteIsAnother(HoldfastError):
    code = "site-is-another"
    sentence = N_("At {place} the machine {found} answers, not {expected}")
    remedy = N_(
        "Correct the address of the site, or name the machine that answers there if it has been "
        "registered anew. Nothing was sent to it."
    )


class SiteRevoked(HoldfastError):
    code = "site-certificate-revoked"
    sentence = N_("The certificate the site at {place} shows was taken back by the server")
    remedy = _RENEW_THERE


class SiteRefusesAuthority(HoldfastError):
    code = "site-refuses-authority"
    sentence = N_("The site at {place} does not know the authority of this host: {reason}")
    remedy = _ONE_SERVER


class SiteRefusesCertificate(HoldfastError):
    code = "site-refuses-certificate"
    sentence = N_("The site at {place} does not accept the certificate of this host: {reason}")
    remedy = _RENEW_HERE


class SitePortUnavailable(HoldfastError):
    code = "site-port-unavailable"
    sentence = N_("This site cannot listen at {address}: {reason}")
    remedy = N_(
        "See which program has the port: `ss -ltnp 'sport = :{port}'`. End that one, or give the "
        "site another address of this host: `holdfast replication serve --listen HOST:PORT`."
    )
    retry = Retry.LATER


class SourceNotTrusted(HoldfastError):
    code = "source-not-trusted"
    sentence = N_("{address} shows a certificate that is not of this site's authority: {reason}")
    remedy = _ONE_SERVER


class SourceCertificateExpired(HoldfastError):
    code = "source-certificate-expired"
    sentence = N_("{address} shows a certificate that has expired; it is {now} here")
    remedy = _RENEW_THERE
    retry = Retry.LATER


class SourceClockDiffers(HoldfastError):
    code = "source-clock-differs"
    sentence = N_("{address} shows a certificate that has not begun; it is {now} here")
    remedy = _CLOCKS
    retry = Retry.LATER


class SourceNotAMachine(HoldfastError):
    code = "source-not-a-machine"
    sentence = N_("{address} shows no certificate of a machine: {reason}")
    remedy = N_(
        "If it is a host of yours, register it there: `holdfast register --credentials FILE`."
    )


class SourceRevoked(HoldfastError):
    code = "source-certificate-revoked"
    sentence = N_("The certificate of the machine {machine} was taken back by the server")
    remedy = N_(
        "If that machine is to replicate, register it again there: "
        "`holdfast register --credentials FILE`."
    )


class SourceNotUnderstood(HoldfastError):
    """Mostly a scanner of ports, which is no concern of anybody."""

    code = "source-not-understood"
    sentence = N_("{address} does not speak as a source of replicas does: {reason}")
    remedy = N_("If it is a host of yours, see that its Holdfast is of this version.")
    retry = Retry.LATER


class NotGranted(HoldfastError):
    code = "site-not-granted"
    sentence = N_("The machine {machine} may not write the replica of {vm} at this site")
    remedy = N_(
        "Replicate it by `holdfast replication enable`, which asks the server for the right; the "
        "site learns of it within a minute. Without a server, run `holdfast replication admit` at "
        "the site; what another source replicates there stays with that one."
    )
    retry = Retry.LATER


class SiteBusy(HoldfastError):
    code = "site-busy"
    sentence = N_("The site has {count} {what} at once, which is as many as it takes")
    remedy = N_("It is tried again by itself; if it stays so, spread the machines over more sites.")
    retry = Retry.LATER


class SiteStopping(HoldfastError):
    code = "site-stopping"
    sentence = N_("The site is being stopped")
    remedy = N_("It goes on by itself when the site runs again: `holdfast replication serve`.")
    retry = Retry.LATER


class RequestNotUnderstood(HoldfastError):
    code = "site-request-not-understood"
    sentence = N_("The site does not understand '{what}': {reason}")
    remedy = N_("Update Holdfast on both hosts to the same version.")
    retry = Retry.LATER


class LogNotOpen(HoldfastError):
    """A piece of a log came on a connection that another has taken the log over from."""

    code = "site-log-not-open"
    sentence = N_("The change log {sha256} is not being taken in on this connection")
    remedy = N_("Nothing is to be done: it is sent again by itself from where it ends.")
    retry = Retry.LATER


class SiteFault(HoldfastError):
    """Something nobody has foreseen; its details are in the site's log."""

    code = "site-fault"
    sentence = N_("The site could not do '{what}': {reason}")
    remedy = _SITE_LOG
    retry = Retry.LATER


class SiteSaid(HoldfastError):
    """An error of a kind this version does not have, with the site's own words."""

    code = "site-said"
    sentence = N_("The site answers: {detail}")
    remedy = _SITE_LOG

    def __init__(self, **fields: object) -> None:
        super().__init__(**fields)
        # Of this one event, in the place of what the class has.
        self.__dict__["code"] = fields.get("said") or type(self).code
        self.__dict__["retry"] = Retry(fields.get("retry") or Retry.NEVER.value)

    @property
    def advice(self) -> str:
        return str(self.fields.get("advice") or super().advice)


class DoorShut(HoldfastError):
    code = "site-door-shut"
    sentence = N_("The site lets nothing through to {door} of machine {vm}")
    remedy = N_(
        "It does so only while that machine moves there by `holdfast failover VM --planned --live`. "
        "Run that command again at the site."
    )


class DoorOutOfOrder(HoldfastError):
    code = "site-door-out-of-order"
    sentence = N_("{door} of machine {vm} does not answer at the site: {reason}")
    remedy = N_("Look at `systemctl status libvirtd virtqemud` there, then run the command again.")
    retry = Retry.LATER


class DoorMisused(HoldfastError):
    code = "site-door-misused"
    sentence = N_("What came for the hypervisor of the site is not of a migration: {reason}")
    remedy = N_(
        "Nothing of it was passed on. Both hosts should have the same release of Holdfast; if they "
        "have, look at who sends it."
    )
