#include "lab/report.h"

#include "lab/page.h"
#include "lab/series.h"

namespace mayfly::lab {
namespace {

using Json = nlohmann::ordered_json;

/// JSON for a script element: it contains neither "</script>" nor "<!--".
std::string as_script_data(const Json& json) {
  const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  }
  return safe;
}

/// The data of the page: the summary, and the columns of each experiment. The results of the two
/// ends, of which the page shows only a part, are in summary.json.
Json page_json(const LabResult& result) {
  Json json = lab_json(result);
  for (std::size_t i = 0; i < result.experiments.size(); ++i) {
    Json& experiment = json["experiments"][i];
    experiment.erase("server");
    experiment.erase("client");
    experiment["chart"] = chart_json(result.experiments[i]);
  }
  return json;
}

}  // namespace

std::string report_html(const LabResult& result) {
  std::string page(kPageBeforeData);
  page += as_script_data(page_json(result));
  page += kPageAfterData;
  return page;
}

}  // namespace mayfly::lab
