#include "run/preflight.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "admin/endpoints.h"
#include "base/fd.h"
#include "lab/evaluate.h"
#include "load/plan.h"
#include "nic/fitness.h"
#include "nic/host.h"
#include "run/resolve.h"
#include "service/site.h"

namespace mayfly::run {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> why_unwritable(const std::string& file) {
  std::error_code failure;
  const bool is_there = fs::exists(file, failure);
  const Fd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666));
  if (!fd.is_open()) return fmt::format("cannot write {}: {}", file, std::strerror(errno));
  if (!is_there) unlink(file.c_str());
  return std::nullopt;
}

}  // namespace

config::Machine this_machine() {
  config::Machine machine;
  machine.cpus = nic::allowed_cpus();
  machine.why_unfit = [](const nic::PortSettings& port, std::size_t cores) {
    return nic::why_unfit(port, cores);
  };
  machine.why_unwritable = why_unwritable;
  machine.why_no_socket = admin::why_no_socket;
  machine.why_no_page = admin::why_no_page;
  machine.resolve = resolve_name;
  return machine;
}

config::Machine everything() {
  config::Machine machine = this_machine();
  machine.tolerates_absence = true;
  machine.check_site = [](const service::HttpSettings& http) -> Result<void> {
    if (const auto site = service::Site::load(http); !site) return site.error();
    return {};
  };
  machine.check_sources = load::check_sources;
  machine.check_lasts = lab::check_lasts;
  return machine;
}

Result<void> check_output(const std::string& file) {
  if (file.empty() || file == "-") return {};
  if (const auto why = why_unwritable(file)) return Error{*why, ErrorKind::usage};
  return {};
}

Result<void> check_output_folder(const std::string& folder) {
  if (folder.empty()) return {};
  std::error_code failure;
  if (fs::is_directory(folder, failure)) return check_output(folder + "/summary.json");
  if (fs::exists(folder, failure))
    return Error{fmt::format("{} is no folder", folder), ErrorKind::usage};
  // The nearest folder above that is there must take another.
  fs::path above = fs::absolute(folder, failure).parent_path();
  while (!above.empty() && above != above.parent_path() && !fs::exists(above, failure))
    above = above.parent_path();
  if (fs::is_directory(above, failure) && access(above.c_str(), W_OK | X_OK) == 0) return {};
  return Error{fmt::format("cannot make {}: {} takes no folder", folder, above.string()),
               ErrorKind::usage};
}

}  // namespace mayfly::run
