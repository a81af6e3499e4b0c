#include "dbserver/journal/record.hpp"

#include "dbserver/journal/crc32c.hpp"
#include "dbserver/table/planted_bug.hpp"

#include <bit>
#include <cstring>

namespace stadion::dbserver {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they are in memory");

template <typename Number>
Number get(const char* from) noexcept {
    Number number;
    std::memcpy(&number, from, sizeof number);
    return number;
}

template <typename Number>
void put(char* to, Number number) noexcept {
    std::memcpy(to, &number, sizeof number);
}

} // namespace

std::uint32_t segment_seed(std::uint64_t segment) noexcept {
    char bytes[8];
    put(bytes, segment);
    return crc32c({bytes, sizeof bytes});
}

std::size_t begin_record(std::string& to) {
    const std::size_t begun_at = to.size();
    to.append(record_header_bytes, '\0');
    return begun_at;
}

void end_record(std::string& to, std::size_t begun_at, std::uint64_t sequence, std::uint32_t flags) {
    to += '\n';
    char* header = to.data() + begun_at;
    put(header + 4, static_cast<std::uint32_t>(to.size() - begun_at - record_header_bytes));
    put(header + 12, flags);
    put(header + 24, sequence);
}

std::uint32_t seal_records(std::string& records, std::uint64_t batch, std::uint32_t seed,
                           std::uint32_t previous) {
    for (std::size_t at = 0; at < records.size();) {
        char* header = records.data() + at;
        const std::size_t size = record_header_bytes + get<std::uint32_t>(header + 4);
        const bool last = at + size == records.size();
        put(header + 8, previous);
        put(header + 12, get<std::uint32_t>(header + 12) | (last ? last_of_batch : 0u));
        put(header + 16, batch);
        previous = crc32c_extend(seed, {header + 4, size - 4});
        put(header, previous);
        at += size;
    }
    return previous;
}

std::optional<record> record_at(std::string_view segment, std::size_t offset, std::uint32_t seed) noexcept {
    if (offset + record_header_bytes > segment.size()) return std::nullopt;
    const char* header = segment.data() + offset;
    const std::size_t length = get<std::uint32_t>(header + 4);
    const std::uint32_t flags = get<std::uint32_t>(header + 12);
    if (length == 0 || length > record_line_bytes_max || flags > 3) return std::nullopt;
    if (offset + record_header_bytes + length > segment.size()) return std::nullopt;
    if (header[record_header_bytes + length - 1] != '\n') return std::nullopt;
    record found;
    found.crc = get<std::uint32_t>(header);
    if (crc32c_extend(seed, {header + 4, record_header_bytes + length - 4}) != found.crc &&
        !planted(bug::ignores_record_checksum))
        return std::nullopt;
    found.previous = get<std::uint32_t>(header + 8);
    found.flags = flags;
    found.batch = get<std::uint64_t>(header + 16);
    found.sequence = get<std::uint64_t>(header + 24);
    found.line = segment.substr(offset + record_header_bytes, length);
    return found;
}

} // namespace stadion::dbserver
