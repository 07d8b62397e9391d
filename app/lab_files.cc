#include "lab_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "admin/stats_json.h"
#include "lab/report.h"
#include "print.h"

namespace mayfly::app {
namespace {

/// A file that was cut short is removed, so that nobody takes it for the whole result.
bool write_text(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return true;
  const int why = errno != 0 ? errno : EIO;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) std::filesystem::remove(path, ignored);
  fail({fmt::format("cannot write {}: {}", path, std::strerror(why))});
  return false;
}

}  // namespace

bool write_results(const RunOptions& options, const lab::LabResult& result) {
  const nlohmann::ordered_json json = lab_json(result);
  bool all = true;
  std::string written;
  if (options.json == "-") {
    if (const auto printed = admin::write_json(options.json, json); !printed) {
      fail(printed.error());
      all = false;
    }
  }
  const auto write = [&](const std::string& path, const std::string& text) {
    const bool fits = write_text(path, text);
    all = all && fits;
    if (fits) written += fmt::format("{}{}", written.empty() ? "" : ", ", path);
  };
  const std::string summary = json.dump(2) + '\n';
  if (!options.json.empty() && options.json != "-") write(options.json, summary);
  if (!options.out.empty()) {  // what is needed most, first
    write(options.out + "/report.html", report_html(result));
    write(options.out + "/summary.json", summary);
    write(options.out + "/samples.csv", samples_csv(result));
  }
  if (!written.empty()) fmt::print("\nwritten: {}\n", written);
  if (options.json.empty() && options.out.empty())
    fmt::print("\nnothing was written: --out DIR saves the report\n");
  return all;
}

}  // namespace mayfly::app
