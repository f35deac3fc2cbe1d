// SPDX-License-Identifier: Apache-2.0
#include "operations/store/repair.h"

#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/json.h"

namespace reprise::cli {
namespace {

struct Report {
  std::uint64_t pages = 0;
  std::vector<std::string> damaged_packs;
  std::optional<std::string> catalog_damage;
  catalog::SalvagedCatalog salvaged;
  store::CatalogRepair repaired;
};

Json ids(const std::vector<base::CheckpointId>& of) {
  Json all = Json::array();
  for (const base::CheckpointId& id : of) all.push_back(id.str());
  return all;
}

void print_report_json(std::ostream& out, const Report& report) {
  Json unreadable = Json::array();
  for (const auto& [id, why] : report.repaired.unreadable)
    unreadable.push_back({{"id", id.str()}, {"error", why.message()}});
  Json catalog = nullptr;
  if (report.catalog_damage)
    catalog = {{"damage", *report.catalog_damage},
               {"kept_as", report.salvaged.damaged.string()},
               {"lost", report.salvaged.lost}};
  print_json(out, {{"pages", report.pages},
                   {"damaged_packs", report.damaged_packs},
                   {"replaced_catalog", std::move(catalog)},
                   {"rewritten", ids(report.repaired.rewritten)},
                   {"added", ids(report.repaired.added)},
                   {"removed", ids(report.repaired.removed)},
                   {"set_aside", report.repaired.set_aside},
                   {"set_aside_in", report.repaired.aside.string()},
                   {"unreadable", std::move(unreadable)}});
}

void print_index(Io& io, const Report& report) {
  io.out << "index made anew: " << report.pages << " pages\n";
  for (const std::string& pack : report.damaged_packs)
    io.err << "pack '" << pack << "' is damaged: 'reprise store verify' names who needs it\n";
}

void print_salvaged(Io& io, const Report& report) {
  io.out << "catalog made anew, since it was damaged (" << *report.catalog_damage
         << "); the old one is '" << report.salvaged.damaged.string() << "'\n";
  for (const std::string& table : report.salvaged.lost)
    io.err << "of the catalog's " << table << ", some or all could not be read\n";
}

void print_catalog(Io& io, const store::CatalogRepair& repaired) {
  for (const base::CheckpointId& id : repaired.rewritten)
    io.out << id.str() << ": its row in the catalog made anew, since it could not be read\n";
  for (const std::string& what : repaired.set_aside)
    io.err << what << ": put aside, in '" << repaired.aside.string() << "'\n";
  for (const base::CheckpointId& id : repaired.added)
    io.out << id.str() << ": back in the catalog\n";
  for (const base::CheckpointId& id : repaired.removed)
    io.out << id.str() << ": out of the catalog, since the store has no such checkpoint\n";
  for (const auto& [id, why] : repaired.unreadable)
    io.err << id.str() << ": " << why.message() << '\n';
}

// Says what was done as it is done.
Result<int> repair(Context& context, bool json) {
  Report report;
  operations::Repair repair = REPRISE_PASS(operations::Repair::begin(context.node));
  store::Rebuilt rebuilt = REPRISE_PASS(repair.rebuild_index());
  report.pages = rebuilt.pages;
  report.damaged_packs = std::move(rebuilt.damaged);
  if (!json) print_index(context.io, report);
  report.catalog_damage = repair.catalog_damage();
  if (report.catalog_damage) {
    report.salvaged = REPRISE_PASS(repair.replace_catalog());
    if (!json) print_salvaged(context.io, report);
  }
  report.repaired = REPRISE_PASS(repair.repair_catalog());
  if (json)
    print_report_json(context.io.out, report);
  else
    print_catalog(context.io, report.repaired);
  return report.damaged_packs.empty() ? kDone : kNotAsAsked;
}

Runner configure(Arguments& arguments) {
  auto json = std::make_shared<bool>(false);
  arguments.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return repair(context, *json); };
}

}  // namespace

constinit const Command kStoreRepair = {
    .path = "store repair",
    .summary = "Make index and catalog anew from what is stored",
    .details =
        R"(Reads all packs. Tags, histories and what containers continue from are only in the catalog: of a
damaged one, which is kept beside the new one, what can be read is taken over. Single rows that cannot
be read are made anew from the checkpoint, or put aside, into a database beside the catalog. No container may be
stopped or started meanwhile.

Example:
  reprise store repair)",
    .configure = configure,
};

}  // namespace reprise::cli
