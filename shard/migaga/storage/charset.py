"""Make a MySQL database take any character, compared as SQLite does, in every table that is made in it.

`schema.py` calls it before the first table. It matters for columns of modules that use SQLAlchemy's own text types.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from migaga.common.errors import ConfigError
from migaga.storage.database import Database
from migaga.storage.types import exact_collation


async def use_utf8mb4(database: Database) -> None:
    """Set the default of new tables to utf8mb4, compared by code points; tables that are there stay as they are.

    Raises:
        ConfigError: The default is another character set and this user may not change it.
    """
    if database.dialect == "sqlite":
        return
    async with database.maintenance() as connection:
        row = await connection.execute(
            sa.text("SELECT DATABASE(), @@character_set_database, @@collation_database"),
        )
        name, charset, collation = row.one()
        wanted = exact_collation(connection.dialect)
        if collation == wanted:
            return
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        statement = f"ALTER DATABASE {quoted} CHARACTER SET utf8mb4 COLLATE {wanted}"
        try:
            await connection.exec_driver_sql(statement.replace("%", "%%"))
        except DBAPIError as error:
            if charset != "utf8mb4":
                raise ConfigError(
                    f"database {database.label}: its character set is {charset}, which loses emoji, and this user may "
                    f"not change it. Let an administrator run: {statement}"
                ) from error
