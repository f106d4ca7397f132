#include "http/body_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "event/wait.h"

namespace ringx::http {

BodyStore::~BodyStore() {
    for (Block& block : blocks_) pool_.give_back(std::move(block.memory));
    pool_.give_back(std::move(in_));
    pool_.give_back(std::move(out_));
}

// Two of them fill the memory: one is filled while the other is sent.
size_t BodyStore::block_bytes() const {
    return std::clamp<size_t>(limits_.memory_bytes / 2, 4096, BlockPool::block_bytes);
}

void BodyStore::begin_with(std::string_view bytes) {
    CHECK(blocks_.empty());
    while (!bytes.empty()) {
        Block& block = blocks_.emplace_back(pool_.take(), block_bytes());
        size_t taken = bytes.copy(block.memory.get(), block.size);
        put(taken);
        bytes.remove_prefix(taken);
    }
}

std::span<char> BodyStore::room() {
    if (file_begin_ != file_end_) return {};
    const size_t size = block_bytes();
    constexpr size_t worth_a_call = 4096;
    if (!blocks_.empty() && blocks_.back().size - blocks_.back().filled >= worth_a_call) {
        Block& last = blocks_.back();
        is_being_filled_ = true;
        return {last.memory.get() + last.filled, last.size - last.filled};
    }
    if (!blocks_.empty() && (blocks_.size() + 1) * size > limits_.memory_bytes) return {};
    blocks_.emplace_back(pool_.take(), size);
    is_being_filled_ = true;
    return {blocks_.back().memory.get(), size};
}

void BodyStore::put(size_t bytes) {
    blocks_.back().filled += bytes;
    is_being_filled_ = false;
    const Block& last = blocks_.back();
    bool is_lent = is_lent_ && blocks_.size() == 1;
    if (last.taken == last.filled && !is_lent) drop(blocks_.size() - 1);
}

void BodyStore::drop(size_t block) {
    pool_.give_back(std::move(blocks_[block].memory));
    blocks_.erase(blocks_.begin() + static_cast<ptrdiff_t>(block));
}

std::span<char> BodyStore::file_room() {
    if (in_ == nullptr) in_ = pool_.take();
    return {in_.get(), block_bytes()};
}

Task<Result<>> BodyStore::put_into_file(size_t bytes) {
    if (!file_) {
        Result<TempFile> made = co_await make_temp_file(loop_, *limits_.path, TempFile::Name::removed);
        if (!made) {
            limits_.file_bytes = 0;
            blocks_.push_back({std::move(in_), block_bytes(), bytes});
            co_return std::unexpected(made.error());
        }
        file_ = std::move(*made);
    }
    if (file_begin_ == file_end_) file_begin_ = file_end_ = 0;
    std::string_view data(in_.get(), bytes);
    Result<> written = co_await write_to_file(loop_, file_.fd(), data, file_end_);
    if (written) file_end_ += bytes;
    co_return written;
}

void BodyStore::let_go() {
    if (!std::exchange(is_lent_, false)) return;
    Block& first = blocks_.front();
    if (first.taken < first.filled) return;
    bool is_in_use = is_being_filled_ && blocks_.size() == 1;
    if (!is_in_use) drop(0);
}

bool BodyStore::empty() const {
    bool has_memory = std::ranges::any_of(blocks_, [](const Block& block) { return block.taken < block.filled; });
    return !has_memory && file_begin_ == file_end_;
}

Task<Result<std::string_view>> BodyStore::take() {
    let_go();
    CHECK(!empty());
    Block* first = blocks_.empty() ? nullptr : &blocks_.front();
    if (first == nullptr || first->taken == first->filled) co_return co_await read_file();
    is_lent_ = true;
    std::string_view bytes(first->memory.get() + first->taken, first->filled - first->taken);
    first->taken = first->filled;
    co_return bytes;
}

Task<Result<std::string_view>> BodyStore::read_file() {
    if (out_ == nullptr) out_ = pool_.take();
    Wait wait(loop_, Operation::Kind::read, file_.fd(), "read");
    wait.data = out_.get();
    wait.bytes = static_cast<uint32_t>(std::min<uint64_t>(block_bytes(), file_end_ - file_begin_));
    wait.offset = file_begin_;
    Result<int> got = co_await wait;
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return fail("read", EIO);
    file_begin_ += static_cast<uint64_t>(*got);
    co_return std::string_view(out_.get(), static_cast<size_t>(*got));
}

}  // namespace ringx::http
