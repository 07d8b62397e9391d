// One report of the parts that several hosts made of a plan (part.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "load/report.h"

namespace mayfly::load {

/// A part, and where it was read.
struct NamedPart {
  std::string name;
  PartReport report;
};

/// The parts in their order, and which are not there.
struct Gathered {
  std::vector<PartReport> parts;
  std::vector<std::uint32_t> missing;  ///< from 1 on
  Duration spread{};                   ///< between the first start of the first part and the last's
};

/// Puts the parts of one plan together. An error of usage says which do not belong together: parts
/// of other plans, the same part twice, or parts that were not under way at the same time.
Result<Gathered> gather(std::vector<NamedPart> parts);

/// "parts 2 and 5 of 8 are missing: they were killed, or have not been given; these are the figures
/// of the others"; empty if none is.
std::string missing_in_words(const Gathered& gathered);

}  // namespace mayfly::load
