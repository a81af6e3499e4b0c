#include "dbserver/server/board_file.hpp"

#include "net/os/small_file.hpp"

#include <nlohmann/json.hpp>

#include <random>

namespace stadion::dbserver {
namespace {

struct content {
    std::uint64_t board = 0;
    std::uint64_t sequence = 0;
    net::file_identity self;
};

std::uint64_t make_board() {
    std::random_device source;
    std::uint64_t board = 0;
    while (board == 0) board = (std::uint64_t{source()} << 32) | source();
    return board;
}

std::string encode(const content& one) {
    return nlohmann::ordered_json{{"board", one.board},
                                  {"sequence", one.sequence},
                                  {"inode", one.self.inode},
                                  {"born_ns", one.self.born_ns}}
               .dump(2) +
           '\n';
}

std::optional<content> decode(const std::string& text) {
    const auto document = nlohmann::json::parse(text, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    bool complete = true;
    const auto number = [&](const char* name) {
        const auto found = document.find(name);
        const bool is_there = found != document.end() && found->is_number_unsigned();
        complete = complete && is_there;
        return is_there ? found->get<std::uint64_t>() : 0;
    };
    content one;
    one.board = number("board");
    one.sequence = number("sequence");
    one.self.inode = number("inode");
    one.self.born_ns = static_cast<std::int64_t>(number("born_ns"));
    if (!complete || one.board == 0) return std::nullopt;
    return one;
}

// Why a new board number is needed; empty when the store is the one that wrote the file.
std::string why_another(const std::optional<content>& known, const net::file_identity& found,
                        std::uint64_t sequence, bool salvaged) {
    if (salvaged) return "it was salvaged";
    if (!known) return "its board file cannot be read";
    if (known->self != found) return "it is a copy: its board file is not the one that was written here";
    if (sequence < known->sequence)
        return "it has gone back: its newest commit is " + std::to_string(sequence) + ", and it had " +
               std::to_string(known->sequence);
    return {};
}

} // namespace

wire::result<board_file> board_file::open(const std::string& directory, std::uint64_t sequence,
                                          bool salvaged) {
    board_file one(directory + "/board");
    auto text = net::read_small_file(one.path_);
    if (!text) return std::move(text).error();
    std::optional<content> known;
    if (*text) {
        known = decode(**text);
        one.reason_ =
            why_another(known, net::identify(one.path_).value_or(net::file_identity{}), sequence, salvaged);
    }
    one.board_ = known && one.reason_.empty() ? known->board : make_board();
    if (auto written = one.write(sequence); !written) return std::move(written).error();
    return one;
}

wire::result<void> board_file::renew(std::uint64_t sequence) {
    board_ = make_board();
    return write(sequence);
}

wire::result<void> board_file::write(std::uint64_t sequence) const {
    return net::replace_small_file(path_, [&](const net::file_identity& self) {
        return encode({board_, sequence, self});
    });
}

} // namespace stadion::dbserver
