// SPDX-License-Identifier: Apache-2.0
//
// Everything that all checkpoints need, read once.
#include <deque>
#include <future>
#include <map>
#include <set>
#include <tuple>

#include "store/open_store.h"
#include "sys/workers.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;

namespace {

class Verification {
 public:
  explicit Verification(const OpenStore& store) : store_(store) {}

  Result<void> check(const CheckpointId& id);
  Verified finish() { return std::move(verified_); }

 private:
  using Key = std::tuple<std::uint32_t, std::uint64_t, pages::BlockId>;
  using Places = std::vector<const pages::BlockPlace*>;
  Key key_of(const pages::BlockPlace& place) {
    const auto next = static_cast<std::uint32_t>(numbers_.size());
    return {numbers_.try_emplace(place.pack, next).first->second, place.offset, place.id};
  }

  void check_blocks(const CheckpointId& id, const pages::Contents& contents);
  void check_pack(const CheckpointId& id, const std::string& pack, const Places& places);
  void read_new(const std::string& pack, const Places& places);

  const OpenStore& store_;
  Verified verified_;
  std::map<std::string, std::uint32_t> numbers_;  // of packs
  std::set<Key> read_;
  std::map<Key, std::string> bad_;  // to what is wrong with it
  sys::Workers workers_;
};

Result<void> Verification::check(const CheckpointId& id) {
  const std::size_t before = verified_.damages.size();
  Result<pages::Contents> contents = load_contents(store_, id);
  while (contents) {
    check_blocks(id, *contents);
    if (verified_.damages.size() == before) break;
    // Or it was removed since, or its blocks were moved, and their packs are gone.
    const std::vector<pages::BlockPlace> blocks = std::move(contents->blocks);
    contents = load_contents(store_, id);
    if (contents && contents->blocks == blocks) break;
    verified_.damages.resize(before);
  }
  if (!contents && contents.error().code() == ErrorCode::kNotFound) return {};
  ++verified_.checkpoints;
  if (!contents)
    verified_.damages.push_back({.checkpoint = id, .pack = "", .what = contents.error().message()});
  return {};
}

void Verification::check_blocks(const CheckpointId& id, const pages::Contents& contents) {
  std::map<std::string, Places> by_pack;
  for (const pages::BlockPlace& place : contents.blocks) by_pack[place.pack].push_back(&place);
  for (const auto& [pack, places] : by_pack) check_pack(id, pack, places);
}

// One line for each pack, however many of its blocks are damaged.
void Verification::check_pack(const CheckpointId& id, const std::string& pack,
                              const Places& places) {
  Places unread;
  for (const pages::BlockPlace* place : places)
    if (!read_.contains(key_of(*place))) unread.push_back(place);
  read_new(pack, unread);
  std::size_t damaged = 0;
  std::string first;
  for (const pages::BlockPlace* place : places) {
    const auto bad = bad_.find(key_of(*place));
    if (bad != bad_.end() && damaged++ == 0) first = bad->second;
  }
  if (damaged == 0) return;
  if (damaged > 1) first += " (and " + std::to_string(damaged - 1) + " more blocks)";
  verified_.damages.push_back({.checkpoint = id, .pack = pack, .what = first});
}

void Verification::read_new(const std::string& pack, const Places& places) {
  if (places.empty()) return;
  const Result<pages::PackReader> reader = pages::PackReader::open(store_.layout.packs(), pack);
  std::deque<std::pair<const pages::BlockPlace*, std::future<Result<void>>>> reading;
  const auto take = [&] {
    auto& [place, done] = reading.front();
    if (const Result<void> result = done.get(); !result)
      bad_.emplace(key_of(*place), result.error().message());
    reading.pop_front();
  };
  for (const pages::BlockPlace* place : places) {
    read_.insert(key_of(*place));
    if (!reader) {
      bad_.emplace(key_of(*place), reader.error().message());
      continue;
    }
    verified_.bytes += pages::stored_bytes_of(*place);
    reading.emplace_back(place, workers_.run([this, place, &reader]() -> Result<void> {
      const auto sealed = REPRISE_PASS(reader->read(*place));
      REPRISE_TRY(pages::open_block(store_.keys.data, place->id, sealed),
                  "reading pack '" + place->pack + "' at byte " + std::to_string(place->offset));
      return {};
    }));
    if (reading.size() > 2 * workers_.count()) take();
  }
  while (!reading.empty()) take();
}

}  // namespace

Result<Verified> verify_checkpoints(const OpenStore& store, const std::vector<CheckpointId>& ids,
                                    const VerifyProgress& progress) {
  Verification verification(store);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (progress) progress(ids[i], i, ids.size());
    REPRISE_PASS(verification.check(ids[i]));
  }
  return verification.finish();
}

}  // namespace reprise::store
