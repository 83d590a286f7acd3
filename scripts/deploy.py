# SPDX-License-Identifier: MIT
"""Deploy a whole system: `ape run deploy --network ethereum:local:foundry`.

On a local network tokens and feeds are invented. Elsewhere `--params FILE` names them (TOML, see
surety/deploy/config.py) and `--account ALIAS` pays; what each token and price say is shown before
the kind is listed, and waits for a yes unless `--yes` was given.
"""

import json
from pathlib import Path

import click
from ape import accounts, networks
from ape.cli import ConnectedProviderCommand

from surety.anvil import put_on_path
from surety.deploy import DeployError, ParamsError, SystemParams, deploy_system, local_kinds
from surety.deploy.ape_sender import ApeSender
from surety.deploy.config import load_params

put_on_path()  # before Ape looks for Anvil


@click.command(cls=ConnectedProviderCommand)
@click.option("--params", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", help="Alias of the Ape account that deploys.")
@click.option("--yes", is_flag=True, help="List every kind as it is read, without asking.")
def cli(params: Path | None, account: str | None, yes: bool) -> None:
    """Deploy coin, hub, fund, lens and one vault, and print their addresses as JSON."""
    provider = networks.provider
    local = provider.network.is_local
    if account is None and not local:
        raise click.UsageError("on a live network name the deploying account with --account ALIAS")
    if params is None and not local:
        raise click.UsageError("on a live network name the collateral with --params FILE")
    sender = ApeSender(accounts.load(account) if account else accounts.test_accounts[0], provider)
    try:
        # None: each kind's price is limited as its family's is on a live network
        system_params = (
            load_params(params) if params else SystemParams(kinds=local_kinds(sender, limits=None))
        )
        if not local and system_params.admin is None:
            click.echo("warning: no admin and guardian: there is no timelock", err=True)
        system = deploy_system(
            sender,
            system_params,
            lambda step: click.echo(step, err=True),
            lambda _reading: local or yes or click.confirm("List it?", err=True),
        )
    except (DeployError, ParamsError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(system.to_json(), indent=2))
