#include "dbserver/journal/commit_index.hpp"

#include "dbserver/journal/sha256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

namespace stadion::dbserver {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

} // namespace

std::uint64_t table_number(std::string_view name) {
    const auto digest = sha256(name);
    std::uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof number);
    return number;
}

std::string index_records(std::vector<indexed_commit> commits) {
    std::sort(commits.begin(), commits.end(),
              [](const indexed_commit& a, const indexed_commit& b) { return a.sequence < b.sequence; });
    std::string records;
    records.reserve(commits.size() * index_record_bytes);
    for (const indexed_commit& one : commits) {
        char bytes[index_record_bytes];
        std::memcpy(bytes, &one.sequence, 8);
        std::memcpy(bytes + 8, &one.table, 8);
        records.append(bytes, sizeof bytes);
    }
    return records;
}

wire::result<std::uint64_t> find_commit(files& from, const layout& where, std::span<const saved_index> in,
                                        std::uint64_t sequence) {
    const auto holder = std::find_if(in.begin(), in.end(), [&](const saved_index& one) {
        return one.first <= sequence && sequence <= one.last;
    });
    if (holder == in.end()) return std::uint64_t{0};
    const std::string path = where.index_file(holder->number);
    std::unique_ptr<file> index;
    std::error_code failure = from.open(path, open_mode::read, index);
    std::uint64_t begin = 0, end = holder->bytes / index_record_bytes;
    while (!failure && begin < end) {
        const std::uint64_t middle = begin + (end - begin) / 2;
        std::string bytes;
        failure = index->read_at(middle * index_record_bytes, index_record_bytes, bytes);
        if (!failure && bytes.size() != index_record_bytes) failure = make_error_code(std::errc::io_error);
        if (failure) break;
        indexed_commit found;
        std::memcpy(&found.sequence, bytes.data(), 8);
        std::memcpy(&found.table, bytes.data() + 8, 8);
        if (found.sequence == sequence) return found.table;
        (found.sequence < sequence ? begin : end) = found.sequence < sequence ? middle + 1 : middle;
    }
    if (failure)
        return wire::make_error(wire::status::data_loss, path + " cannot be read: " + failure.message());
    return std::uint64_t{0};
}

} // namespace stadion::dbserver
