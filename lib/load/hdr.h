// Histograms as text that others can read: HdrHistogram's V2 encoding, compressed, in base64
// ("HISTFAAA..."), as in the lines of its logs.
#pragma once

#include <string>
#include <string_view>

#include "base/histogram.h"
#include "base/result.h"

namespace mayfly::load {

/// Two significant digits, in the unit of the histogram. Each bucket counts as its largest value;
/// HdrHistogram's buckets are half as wide, so that from_hdr() makes the same histogram of it.
std::string to_hdr(const Histogram& histogram);

/// The histogram of a text that to_hdr() or HdrHistogram made. Each value counts as the largest of
/// its bucket. An error if it is something else, or if a value is above Histogram::kValueMax.
Result<Histogram> from_hdr(std::string_view text);

}  // namespace mayfly::load
