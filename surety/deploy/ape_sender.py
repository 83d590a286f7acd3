# SPDX-License-Identifier: MIT
"""Send through an Ape account: any network, signer and provider that Ape knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surety.chain import DEPLOY_GAS, Receipt, Rpc

if TYPE_CHECKING:
    from ape.api import AccountAPI, ProviderAPI


class ApeSender:
    """A `surety.deploy.Deployer` over an Ape account and the provider it is connected to."""

    def __init__(self, account: AccountAPI, provider: ProviderAPI) -> None:
        self._account = account
        self._provider = provider
        self.rpc = Rpc(str(provider.http_uri))

    @property
    def address(self) -> str:
        """The address of the account."""
        return str(self._account.address)

    def send(self, to: str | None, data: bytes, value: int = 0, gas: int | None = None) -> Receipt:
        """Sign and send with Ape and wait for the receipt; raise Reverted with the reason."""
        # named here, for the node estimates before the account signs
        fields: dict[str, Any] = {"data": data, "value": value, "sender": self.address}
        if to is not None:
            fields["receiver"] = to
        if self._provider.network.is_local:
            fields["gas_limit"] = gas or DEPLOY_GAS
        elif gas is not None:
            fields["gas_limit"] = gas
        transaction = self._provider.network.ecosystem.create_transaction(**fields)
        sent = self._account.call(transaction, raise_on_revert=False)
        receipt = self.rpc.wait_for_receipt(str(sent.txn_hash))
        if receipt.status == 0:
            raise self.rpc.failure(receipt.hash, receipt)
        return receipt
