// The hazard lab's reader of the book: it counts the harm done to each incarnation. The book is
// kept outside the two ends, so the ledger shows what neither end can see.
#pragma once

#include "world/book.h"
#include "world/ledger_row.h"

namespace mayfly::world {

/// Adds the outcome of one incarnation that is over.
void add_to(LedgerRow& row, const Incarnation& i) noexcept;
/// Adds the outcome of all incarnations in the book to the row. All of them must be over.
void add_to(LedgerRow& row, const Book& book);

}  // namespace mayfly::world
