"""Every kind of operation, told apart by its ``kind``."""

from typing import Annotated

from pydantic import Field

from handover.evolve.operations.add_check import AddCheck
from handover.evolve.operations.add_column import AddColumn
from handover.evolve.operations.add_foreign_key import AddForeignKey
from handover.evolve.operations.add_generated_column import AddGeneratedColumn
from handover.evolve.operations.add_index import AddIndex
from handover.evolve.operations.change_type import ChangeType
from handover.evolve.operations.create_table import CreateTable
from handover.evolve.operations.drop_column import DropColumn
from handover.evolve.operations.drop_index import DropIndex
from handover.evolve.operations.full_text_index import FullTextIndex
from handover.evolve.operations.rename_column import RenameColumn
from handover.evolve.operations.rename_values import RenameValues
from handover.evolve.operations.set_not_null import SetNotNull

AnyOperation = Annotated[
    AddCheck
    | AddColumn
    | AddForeignKey
    | AddGeneratedColumn
    | AddIndex
    | ChangeType
    | CreateTable
    | DropColumn
    | DropIndex
    | FullTextIndex
    | RenameColumn
    | RenameValues
    | SetNotNull,
    Field(discriminator="kind"),
]
