// Memory for slabs: taken from the kernel once, at the start, zeroed and not yet touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace mayfly {

/// Which pages are wanted.
enum class HugePages : std::uint8_t {
  auto_,  ///< reserved 2 MB pages; if there are too few, transparent ones
  never,  ///< 4 kB pages
};

/// A mapping, unmapped by its destructor. Can be moved, not copied.
class Region {
 public:
  /// Which pages were given.
  enum class Pages : std::uint8_t {
    huge,         ///< reserved 2 MB pages (MAP_HUGETLB)
    transparent,  ///< 4 kB pages that the kernel may join (MADV_HUGEPAGE)
    normal,       ///< 4 kB pages
  };

  Region() = default;
  Region(Region&& other) noexcept { swap(other); }
  Region& operator=(Region&& other) noexcept {
    Region(std::move(other)).swap(*this);
    return *this;
  }
  ~Region();

  /// Maps at least `bytes` of zeroes (at most 64 TiB). Fails with the kernel's reason. Huge pages
  /// are all reserved here, so touching them cannot fail later.
  static Result<Region> map(std::size_t bytes, HugePages want);

  /// Maps a part of a file on tmpfs or hugetlbfs, from `offset` on, and shares it with whoever maps
  /// it next. Both numbers are whole pages of that file system. All of it is there at once, so
  /// that touching it cannot fail later; fails with the kernel's reason.
  static Result<Region> map_file(int fd, std::size_t offset, std::size_t bytes);

  /// What map() got.
  Pages pages() const noexcept { return pages_; }
  /// Writes to every page, so that the kernel need not find and zero one when it is first used.
  void touch() noexcept;
  /// `bytes` as asked for, rounded up to whole pages.
  std::size_t size() const noexcept { return size_; }

  /// As many T as fit: zero-initialised by map(), as the file has them by map_file().
  template <class T>
  requires std::is_trivially_destructible_v<T> std::span<T> as()
  const noexcept { return {static_cast<T*>(start_), size_ / sizeof(T)}; }

 private:
  Region(void* start, std::size_t size, Pages pages) : start_(start), size_(size), pages_(pages) {}
  void swap(Region& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_, other.size_);
    std::swap(pages_, other.pages_);
  }

  void* start_ = nullptr;
  std::size_t size_ = 0;
  Pages pages_ = Pages::normal;
};

/// "huge", "transparent" or "normal".
std::string_view name_of(Region::Pages pages) noexcept;

}  // namespace mayfly
