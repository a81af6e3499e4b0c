// The file `board` in a data directory: the number of the board that the store holds (wire/position.hpp), and
// what shows whether the store has lost commits.
//
// The problem: a store that lost commits - the directory was replaced by yesterday's copy - assigns sequences
// a second time. Whoever followed the first ones must be told. The store itself looks as it did yesterday, so
// it cannot tell. Therefore this file is replaced at every start, and it contains its own inode and time of
// birth, which a copy cannot have. A file that does not match its own inode and birth was copied, and so was
// the directory. A store whose newest commit is below the sequence in the file has lost some. Salvaging loses
// data by definition. Each of these cases makes a new board number.
//
// Not detected here: a snapshot of the file system or the disk that is put back in place, and an older
// content written into the same file. The dispatcher and the front-ends detect these, because they know how
// far the board was. They miss it when more was written before they looked than had been lost.
//
// Threading: one thread at a time.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <string>

namespace stadion::dbserver {

class board_file {
public:
    // Reads the file, decides whether the board is a new one, and replaces the file. The store's lock must be
    // held. UNAVAILABLE when the file cannot be read or written.
    static wire::result<board_file> open(const std::string& directory, std::uint64_t sequence, bool salvaged);

    std::uint64_t board() const noexcept { return board_; }
    // Why the board number is new; empty when it is the same as before, or the first.
    const std::string& reason() const noexcept { return reason_; }

    // Makes a new board number, because it turned out that the store lost commits.
    wire::result<void> renew(std::uint64_t sequence);
    // Records the newest sequence.
    wire::result<void> write(std::uint64_t sequence) const;

private:
    explicit board_file(std::string path) : path_(std::move(path)) {}

    std::string path_;
    std::uint64_t board_ = 0;
    std::string reason_;
};

} // namespace stadion::dbserver
