// The keys of the access to a running process, and of what it says.
#pragma once

#include "admin/settings.h"
#include "config/form.h"

namespace mayfly::config {

Schema<admin::AdminSettings> admin_schema();
Schema<admin::LogSettings> log_schema();

}  // namespace mayfly::config
