// SPDX-License-Identifier: Apache-2.0
//
// What a push is about to rely on at a remote, and what a gc is about to remove from it.
//
// A remote has no locks. So each of the two first says, in an object there, what it means to do,
// and only then looks at what others have said and done: whoever comes second sees the first.
// docs/design/0003-store.md has the rule, docs/format/remote.md the form.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "remote/object_store.h"

namespace reprise::transfer {

using base::Result;

enum class NoticeKind : bool { kPush, kGc };

// Stands until it is dropped. One that cannot be taken away then, or whose process was killed, is
// passed over by everybody after a day, and at once by processes of the same host.
class PostedNotice {
 public:
  PostedNotice(remote::ObjectStore& at, NoticeKind kind) : at_(at), kind_(kind) {}
  ~PostedNotice();
  PostedNotice(const PostedNotice&) = delete;
  PostedNotice& operator=(const PostedNotice&) = delete;
  PostedNotice(PostedNotice&&) = delete;
  PostedNotice& operator=(PostedNotice&&) = delete;

  // Says so, instead of what it said before. As ObjectStore::put.
  Result<void> post(const std::set<std::string>& objects);
  // Whether it may still be acted on: others heed it for long enough. What time the host slept is
  // counted.
  [[nodiscard]] bool is_fresh() const;
  // Of its object; empty before it was posted.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  remote::ObjectStore& at_;
  NoticeKind kind_;
  std::string name_;
  std::int64_t posted_ = 0;
};

struct Notices {
  base::UnixMillis now = 0;         // the clock of the remote, when `own` was posted
  std::set<std::string> pushes;     // objects that pushes rely on, whether they are there or not
  std::set<std::string> removals;   // objects that a gc may remove
  std::vector<std::string> passed;  // names of notices that nobody heeds any more
};

// What others say, seen by whoever has posted `own`. kBusy if `own` is not there (any more),
// kCorrupt for one that is none.
Result<Notices> read_notices(remote::ObjectStore& at, const PostedNotice& own);

}  // namespace reprise::transfer
