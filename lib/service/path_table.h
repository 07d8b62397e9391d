// Maps paths to numbers: open addressing, built once and then only read. At most half full, so that
// a look-up that finds nothing ends soon; clients cannot change its contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"

namespace mayfly::service {

/// The table. The paths themselves are kept by its owner.
class PathTable {
 public:
  /// Adds a path, which must outlive the table, and its value, which is not 0. Returns false, and
  /// changes nothing, if the path is in it already.
  bool add(std::string_view path, std::uint32_t value) {
    MAYFLY_ASSERT(value != 0);
    if (find(path) != 0) return false;
    if (2 * (size_ + 1) > entries_.size()) grow();
    place({path, value});
    ++size_;
    MAYFLY_ASSERT(2 * size_ <= entries_.size());
    return true;
  }

  /// The path's value; 0 if it is not in the table.
  std::uint32_t find(std::string_view path) const noexcept {
    if (entries_.empty()) return 0;
    for (std::size_t i = hash(path);; ++i) {
      const Entry& entry = entries_[i & (entries_.size() - 1)];
      if (entry.value == 0 || entry.path == path) return entry.value;
    }
  }

  /// Bytes of the table, without the paths.
  std::size_t memory_bytes() const noexcept { return entries_.size() * sizeof(Entry); }

 private:
  struct Entry {
    std::string_view path;
    std::uint32_t value = 0;  // 0 = free
  };

  // FNV-1a.
  static std::size_t hash(std::string_view path) noexcept {
    std::uint64_t h = 0xcbf2'9ce4'8422'2325;
    for (const char c : path) h = (h ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
    return static_cast<std::size_t>(h ^ h >> 32);
  }

  void place(const Entry& entry) {
    std::size_t i = hash(entry.path);
    while (entries_[i & (entries_.size() - 1)].value != 0) ++i;
    entries_[i & (entries_.size() - 1)] = entry;
  }

  void grow() {
    std::vector<Entry> old(entries_.empty() ? 16 : 2 * entries_.size());
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.value != 0) place(entry);
    }
  }

  std::vector<Entry> entries_;  // a power of two, or none
  std::size_t size_ = 0;
};

}  // namespace mayfly::service
