"""Writes the whole demo company: organisation and market, block after block of seats, then what sums over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from salesops.common.progress import Progress, Silent
from salesops.demo import accounting, calls, dealbook, interaction, market, organisation, people, selling, targets
from salesops.demo.columns import spread
from salesops.demo.days import Ints
from salesops.demo.folder import Folder, Summary
from salesops.demo.organisation import Catalogue, World
from salesops.demo.parameters import Parameters


def write_company(out_dir: Path, parameters: Parameters, progress: Progress | None = None) -> Summary:
    """Write the company into a folder in the public import format, one Parquet file per entity and per history.

    Existing files of the same names are replaced. The same parameters give the same tables. Returns the rows of every
    file.
    """
    progress = progress or Silent()
    world = organisation.build(parameters)
    off = people.absences(parameters, world.span, world.staff)
    plan = selling.plan(world)
    with Folder(out_dir) as folder, progress.task("Demo company", len(plan.blocks) + 2) as task:
        organisation.write(world, folder, off)
        found = organisation.catalogue(world, folder)
        dealbook.pipelines(world, folder)
        market.campaigns(world, folder)
        task.advance()
        at_work = interaction.calendar_of_work(world, off)
        quarters = len(world.span.quarter_numbers)
        credited = np.zeros((world.staff.persons, quarters), dtype=np.int64)
        weekly = np.zeros((world.staff.persons, quarters, calls.WEEKS), dtype=np.int64)
        sold = np.zeros((parameters.reps, quarters), dtype=np.int64)
        budget = Budget(world, plan)
        for block in range(len(plan.blocks)):
            _block(world, folder, plan, block, found, budget, (credited, sold, weekly), at_work)
            task.advance()
        market.write_competitors(world, folder)
        targets.write(world, folder, sold)
        calls.write(world, folder, weekly)
        accounting.costs(world, folder, credited)
        task.advance()
    return Summary(out_dir, dict(sorted(folder.rows.items())))


class Budget:
    """How many leads and changes each block makes; what one block misses, the next makes up."""

    def __init__(self, world: World, plan: selling.Plan) -> None:
        weight = [plan.accounts[a:b].sum() for a, b in plan.blocks]
        self.leads: Ints = spread(world.p.lead_count, weight)
        self._left = float(world.p.changes or 0)
        self._wanted = world.p.changes is not None
        self._weights = np.array(weight, dtype=float)
        if self._wanted:
            stints = len(world.staff.stints)
            self._left -= stints * 0.5 + world.p.reps * len(world.span.quarter_numbers)

    def wanted(self, block: int, spent: int) -> int | None:
        """Changes left for the opportunities of a block after `spent` on its other records; None = no target."""
        if not self._wanted:
            return None
        share = self._weights[block] / self._weights[block:].sum()
        return max(0, round(self._left * share) - spent)

    def spend(self, changes: int) -> None:
        """Take off what a block has written."""
        self._left -= changes


def _block(
    world: World, folder: Folder, plan: selling.Plan, block: int, found: Catalogue, budget: Budget,
    sums: tuple[Ints, Ints, Ints], at_work: np.ndarray | None,
) -> None:  # fmt: skip
    """Everything that belongs to the seats of one block."""
    old = selling.contracts(world, plan, block, found)
    deals = selling.deals(world, plan, block, found, old, folder.next_id("opportunity"))
    if not len(deals):
        return
    accounts = market.accounts(world, plan, block, deals, old, folder.next_id("contact"))
    wrong = dealbook.errors(world, len(deals), block)
    book = dealbook.book(world, deals, wrong, block)
    leads = market.leads(world, block, int(budget.leads[block]), deals, accounts, folder.next_id("lead"))
    spent = market.write_accounts(world, folder, accounts, deals, old, block)
    contacts = market.contacts(world, folder, accounts, block)
    if len(leads):
        spent += market.write_leads(world, folder, leads, deals, accounts, contacts, block)
    spent += accounting.write(world, folder, found, deals, book, old, block)
    wanted = budget.wanted(block, spent)
    spent += dealbook.write(world, folder, found, deals, book, wrong, accounts, leads, block, wanted)
    budget.spend(spent)
    interaction.write(world, folder, (block, *plan.blocks[block]), deals, book, accounts, leads, at_work)
    targets.credit(world, deals, book, *sums[:2])
    calls.credit(world, deals, book, sums[2])
