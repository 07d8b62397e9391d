// Writes the lab's files of the examples: lab_example DIR makes
// DIR/{whole,hazards,one,compared,nothing}/
// with report.html and summary.json in each.
#include "support/lab_example.h"

#include <filesystem>
#include <fstream>
#include <iostream>

#include "lab/report.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: lab_example DIR\n";
    return 2;
  }
  const std::pair<const char*, mayfly::lab::LabResult> examples[] = {
      {"whole", mayfly::testing::lab_example()},
      {"hazards", mayfly::testing::hazards_only_example()},
      {"one", mayfly::testing::one_experiment_example()},
      {"compared", mayfly::testing::compared_example()},
      {"nothing", {}},
  };
  for (const auto& [name, result] : examples) {
    const std::filesystem::path folder = std::filesystem::path(argv[1]) / name;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "report.html") << mayfly::lab::report_html(result);
    std::ofstream(folder / "summary.json") << mayfly::lab::lab_json(result).dump(2) << '\n';
    if (std::string(name) == "whole") std::cout << mayfly::lab::lab_table(result);
  }
  return 0;
}
