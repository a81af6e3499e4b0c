// The file `board` in a data directory: which board the store holds (wire/position.hpp), and what tells
// whether it still is that store.
//
// The problem: a store that goes back - a copy from yesterday put in its place - gives out sequences a second
// time, and whoever followed the first ones must hear of it. The store itself cannot tell, for it looks as it
// did yesterday. So the file is made anew at every start and says in itself which file it is: its inode and
// the time of its birth, which no copy can take along. A file that is not the one it says has been copied,
// and with it the rest; a store whose newest commit is below what the file says has lost some; and salvaging
// is losing by definition. Each makes a new board.
//
// What it cannot notice: a copy made by the file system or the disk below (a snapshot), put back in place; an
// older file written over this one byte by byte while it held the same. Then the dispatcher and the
// front-ends notice, who know how far the board was (`seen` beyond the head), unless more was written before
// they looked than had been lost.
//
// Threading: one at a time.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <string>

namespace stadion::dbserver {

class board_file {
public:
    // Reads it, decides, and writes it anew. With the store's lock held. UNAVAILABLE when it cannot be
    // written.
    static wire::result<board_file> open(const std::string& directory, std::uint64_t sequence, bool salvaged);

    std::uint64_t board() const noexcept { return board_; }
    // Why the board is another one than before; empty when it is the same, or the first.
    const std::string& reason() const noexcept { return reason_; }

    // The store has gone back after all: a new board from here on.
    wire::result<void> renew(std::uint64_t sequence);
    // Notes how far it is.
    wire::result<void> write(std::uint64_t sequence) const;

private:
    explicit board_file(std::string path) : path_(std::move(path)) {}

    std::string path_;
    std::uint64_t board_ = 0;
    std::string reason_;
};

} // namespace stadion::dbserver
