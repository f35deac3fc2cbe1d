// SPDX-License-Identifier: Apache-2.0
//
// The catalog with 100,000 checkpoints: how long a list of those of one container takes.
//
// usage: catalog-bench DIRECTORY [CHECKPOINTS]
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/retention.h"
#include "store/open_catalog.h"

namespace {

using reprise::base::ContainerKey;
using reprise::catalog::Catalog;

constexpr int kContainers = 500;

template <typename T>
T value(reprise::base::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "catalog-bench: %s\n", result.error().details().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string key_of(int container) {
  return std::string(52, 'c') + std::to_string(100'000 + container);
}

// In one transaction: one for each checkpoint would take an fsync each.
void fill(const std::filesystem::path& root, int checkpoints) {
  sqlite3* db = nullptr;
  if (sqlite3_open((root / "catalog.db").c_str(), &db) != SQLITE_OK) std::exit(1);
  sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
  for (int i = 0; i < checkpoints; ++i) {
    const std::string sql =
        "INSERT INTO checkpoints (id, key, name, tag, trigger_name, ended, created, freeze_ms,"
        " bytes, cpu_time_us, stored_bytes) VALUES ('" +
        std::to_string(1'000'000 + (i * 7919LL) % checkpoints) + "abcdef', '" +
        key_of(i % kContainers) + "', 'web-" + std::to_string(i % kContainers) +
        "', '', 'stop', 1, " + std::to_string(1'800'000'000'000 + i * 1000LL) +
        ", 210, 2000000000, 5000000, 700000000)";
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      std::fprintf(stderr, "catalog-bench: %s\n", sqlite3_errmsg(db));
      std::exit(1);
    }
  }
  sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(db);
}

void show(const char* what, const std::function<std::size_t()>& work) {
  std::vector<double> times;
  std::size_t rows = 0;
  for (int i = 0; i < 9; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    rows = work();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::ranges::sort(times);
  std::printf("  %-28s %8.2f ms (median; worst %.2f)  %zu rows\n", what, times[4], times[8], rows);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: catalog-bench DIRECTORY [CHECKPOINTS]\n", stderr);
    return 2;
  }
  const std::filesystem::path root = std::filesystem::path(argv[1]) / "catalog-bench";
  const int checkpoints = argc > 2 ? std::stoi(argv[2]) : 100'000;
  {
    Catalog catalog = value(reprise::store::open_catalog(reprise::store::StoreConfig::at(root)));
    fill(root, checkpoints);
    std::printf("%d checkpoints of %d containers\n", checkpoints, kContainers);
    const ContainerKey key = ContainerKey::parse(key_of(7)).value();
    show("open", [&] {
      return value(reprise::store::open_catalog(reprise::store::StoreConfig::at(root)))
          .checkpoints(key)
          ->size();
    });
    show("of one container", [&] { return value(catalog.checkpoints(key)).size(); });
    show("by a beginning of its id",
         [&] { return value(catalog.find_checkpoint("1000007abc")).id.str().empty() ? 0U : 1U; });
    show("all", [&] { return value(catalog.checkpoints()).size(); });
    show("all, and what to keep", [&] {
      reprise::catalog::StoreFacts facts;
      for (const auto& row : value(catalog.checkpoints()))
        facts.checkpoints.push_back(
            {.id = row.id, .group = row.key.str(), .created = row.created, .of_a_stop = true});
      return decide(facts, {.keep_last = 3, .keep_daily = 7}).removals.size();
    });
  }
  std::filesystem::remove_all(root);
}
