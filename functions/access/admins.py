"""How a deployment comes by its first admin: by an e-mail address in its settings, never by a password."""

from pynamodb.expressions.condition import Condition

from functions import revision, table
from functions.access import directory, items
from functions.access.memory import MEMORY
from functions.access.policy import Deployment
from functions.access.principal import Principal
from functions.errors import Aborted, AlreadyExists, NotAllowed, NotBuilt, Unacceptable
from functions.ids import now_ms
from functions.settings import settings


def become_first(who: Principal) -> None:
    """Make the caller deployment admin, once in the life of a deployment.

    He has signed in as the account that has verified the address of the setting `first_admin`, or for which
    the company's provider vouches. Only one becomes it, also when the setting changes later.

    Raises:
        NotBuilt: the deployment names no first admin.
        NotAllowed: the caller is somebody else, or shows a Runhaven token.
        AlreadyExists: there was a first admin.
    """
    chosen = settings()
    if not (chosen.first_admin and chosen.user_pool):
        raise NotBuilt("This deployment names no first admin: its operator has to set RUNHAVEN_FIRST_ADMIN.")
    stranger = NotAllowed("Only who signs in with the address that this deployment names becomes its admin.")
    if who.token is not None:
        raise stranger
    try:
        address = directory.address(chosen.first_admin)
        if directory.owner(address) != who.sub:
            raise stranger
    except Unacceptable:  # the address is none, or nobody has verified it: who asks learns nothing of it
        raise stranger from None
    if Deployment.ADMIN in who.deployment:
        return
    directory.remember(who.sub, address)
    first = items.FirstAdmin(*items.first_admin(), user=who.sub, created_at=now_ms())

    def alter(user: items.User) -> bool:
        words = {*user.deployment.split(), Deployment.ADMIN.value}
        user.deployment = " ".join(sorted(words))
        return True

    def write(user: items.User, unchanged: Condition) -> None:
        try:
            table.transact(table.Put(user, unchanged), table.Put(first, items.FirstAdmin.PK.does_not_exist()))
        except table.Lost as lost:
            if lost.items[0] is None:
                raise AlreadyExists("This deployment has had its first admin.") from lost
            raise

    gone = Aborted("The account is being written down; try again.", retry_after=1)
    revision.change(items.User, items.user(who.sub), alter, gone, write=write)
    MEMORY.forget()
