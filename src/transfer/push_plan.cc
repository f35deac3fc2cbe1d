// SPDX-License-Identifier: Apache-2.0
#include "transfer/internal/push_plan.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "crypto/hex.h"
#include "crypto/sha256.h"
#include "transfer/internal/names.h"
#include "transfer/internal/remote_keys.h"

namespace reprise::transfer {

using base::CheckpointId;
using base::ErrorCode;

namespace {

constexpr std::uint64_t kNewPack = std::uint64_t{64} << 20;
// Checkpoints there that are searched for blocks, the newest ones: each is read whole.
constexpr std::size_t kSearched = 8;

// Less is not worth a pack of its own, which later checkpoints of this store would not find.
bool is_mostly_needed(std::uint64_t needed, std::uint64_t bytes) { return needed >= bytes / 8 * 7; }

class Planner {
 public:
  Planner(const store::OpenStore& store, const pages::Contents& contents, remote::ObjectStore& to,
          const std::function<Result<path>()>& make_scratch)
      : store_(store), contents_(contents), to_(to), make_scratch_(make_scratch) {}
  Result<PushPlan> run();

 private:
  Result<void> list();
  Result<std::set<std::string>> sparse_packs();
  Result<void> search_there();
  Result<void> search(const remote::ObjectInfo& object);
  Result<void> pack_anew(const std::vector<std::uint32_t>& blocks);
  [[nodiscard]] bool is_there(const std::string& pack, std::uint64_t bytes) const;

  const store::OpenStore& store_;
  const pages::Contents& contents_;
  remote::ObjectStore& to_;
  const std::function<Result<path>()>& make_scratch_;
  path scratch_;                                       // once it is made
  std::map<std::string, pages::PackReader> packs_;     // here
  std::map<std::string, std::uint64_t> there_;         // packs and their sizes
  std::map<pages::BlockId, pages::BlockPlace> known_;  // blocks there
  PushPlan plan_;
};

Result<void> Planner::list() {
  const std::size_t skip = std::string_view(kRemotePacks).size();
  constexpr std::string_view kSuffix = ".pack";
  for (const auto& object : REPRISE_PASS(to_.list(kRemotePacks)))
    if (object.name.ends_with(kSuffix))
      there_.emplace(object.name.substr(skip, object.name.size() - skip - kSuffix.size()),
                     object.bytes);
  return {};
}

bool Planner::is_there(const std::string& pack, std::uint64_t bytes) const {
  const auto found = there_.find(pack);
  return found != there_.end() && found->second == bytes;
}

// Opens all packs that are needed.
Result<std::set<std::string>> Planner::sparse_packs() {
  std::map<std::string, std::uint64_t> needed;
  for (const pages::BlockPlace& place : contents_.blocks)
    needed[place.pack] += pages::stored_bytes_of(place);
  std::set<std::string> sparse;
  for (const auto& [id, bytes] : needed) {
    pages::PackReader pack = REPRISE_PASS(pages::PackReader::open(store_.layout.packs(), id));
    if (is_there(id, pack.bytes()) || is_mostly_needed(bytes, pack.bytes()))
      plan_.files.emplace(id, pages::pack_file(store_.layout.packs(), id));
    else
      sparse.insert(id);
    packs_.emplace(id, std::move(pack));
  }
  return sparse;
}

Result<void> Planner::search_there() {
  auto objects = REPRISE_PASS(to_.list(kRemoteCheckpoints));
  // Its own, if it is there already; then the newest.
  const std::string own = remote_checkpoint(contents_.manifest.id);
  std::ranges::sort(objects, std::greater(), [&](const remote::ObjectInfo& object) {
    return std::pair(object.name == own, object.modified);
  });
  if (objects.size() > kSearched) objects.resize(kSearched);
  for (const remote::ObjectInfo& object : objects) REPRISE_PASS(search(object));
  return {};
}

Result<void> Planner::search(const remote::ObjectInfo& object) {
  Result<std::string> text = to_.get(object.name, store::kMaxCheckpointFile);
  if (!text && text.error().code() == ErrorCode::kNotFound) return {};
  REPRISE_PASS(text);
  if (key_of_checkpoint(*text) != store_.keys.id) return {};
  const auto id = id_of(object.name, kRemoteCheckpoints);
  if (!id) return {};  // no checkpoint
  // What cannot be read names no blocks that could be counted on.
  (void)pages::visit_blocks(store_.keys, *id, std::move(*text),
                            [&](const pages::BlockPlace& place) {
                              if (there_.contains(place.pack))
                                known_.insert_or_assign(place.id, place);
                            });
  return {};
}

// Named after its contents, so that the same name never stands for other ones.
Result<void> Planner::pack_anew(const std::vector<std::uint32_t>& blocks) {
  crypto::Sha256 digest;
  std::vector<base::RawBytes> sealed;
  for (const std::uint32_t block : blocks) {
    const pages::BlockPlace& place = contents_.blocks[block];
    sealed.push_back(REPRISE_PASS(packs_.at(place.pack).read(place)));
    digest.update(place.id);
    digest.update(sealed.back());
  }
  if (scratch_.empty()) scratch_ = REPRISE_PASS(make_scratch_());
  constexpr std::size_t kIdDigits = 26;
  const std::string id = crypto::to_hex(digest.finish()).substr(0, kIdDigits);
  pages::PackWriter pack = REPRISE_PASS(pages::PackWriter::create(scratch_, id, store_.keys.id));
  for (std::size_t i = 0; i < blocks.size(); ++i)
    plan_.places[blocks[i]] = REPRISE_PASS(pack.append(contents_.blocks[blocks[i]].id, sealed[i]));
  REPRISE_PASS(pack.finish());
  plan_.files.emplace(id, pages::pack_file(scratch_, id));
  return {};
}

Result<PushPlan> Planner::run() {
  plan_.places = contents_.blocks;
  REPRISE_PASS(list());
  const auto sparse = REPRISE_PASS(sparse_packs());
  if (sparse.empty()) return std::move(plan_);
  REPRISE_PASS(search_there());
  std::vector<std::uint32_t> lacking;
  for (std::uint32_t i = 0; i < plan_.places.size(); ++i) {
    if (!sparse.contains(plan_.places[i].pack)) continue;
    const auto known = known_.find(plan_.places[i].id);
    if (known == known_.end()) {
      lacking.push_back(i);
      continue;
    }
    plan_.places[i] = known->second;
    if (!plan_.files.contains(known->second.pack)) plan_.there.insert(known->second.pack);
  }
  std::ranges::sort(lacking, {}, [&](std::uint32_t i) {
    const pages::BlockPlace& place = contents_.blocks[i];
    return std::pair<const std::string&, std::uint64_t>(place.pack, place.offset);
  });
  std::vector<std::uint32_t> next;
  std::uint64_t bytes = 0;
  for (const std::uint32_t block : lacking) {
    const std::uint64_t more = pages::stored_bytes_of(contents_.blocks[block]);
    if (!next.empty() && bytes + more > kNewPack) {
      REPRISE_PASS(pack_anew(next));
      next.clear();
      bytes = 0;
    }
    next.push_back(block);
    bytes += more;
  }
  if (!next.empty()) REPRISE_PASS(pack_anew(next));
  return std::move(plan_);
}

}  // namespace

Result<PushPlan> plan_push(const store::OpenStore& store, const pages::Contents& contents,
                           remote::ObjectStore& to, const std::function<Result<path>()>& scratch) {
  return REPRISE_TRY(Planner(store, contents, to, scratch).run(), "choosing what is to be sent");
}

}  // namespace reprise::transfer
