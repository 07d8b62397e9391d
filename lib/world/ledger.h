// The hazard lab's reading of the book: which harm came to each incarnation. It is kept from
// outside the two ends, so it tells what neither can see.
#pragma once

#include "world/book.h"
#include "world/ledger_row.h"

namespace mayfly::world {

/// Adds what became of the book's incarnations, all of which are over, to the row.
void add_to(LedgerRow& row, const Book& book);

}  // namespace mayfly::world
