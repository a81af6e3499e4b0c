#include "dbserver/journal/recovery.hpp"

#include "wire/names.hpp"

#include <algorithm>
#include <set>

namespace stadion::dbserver {
namespace {

bool all_zero(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

std::size_t size_without_zeros(std::string_view bytes) {
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](char c) { return c != 0; });
    return static_cast<std::size_t>(bytes.rend() - last);
}

// The tables that are named in a damaged part of the journal. It is searched as text.
void collect_tables(std::string_view bytes, std::set<std::string>& into) {
    for (const auto& [member, prefix] :
         {std::pair{R"("game":")", "games/"}, std::pair{R"("team":")", "teams/"}})
        for (auto at = bytes.find(member); at != std::string_view::npos; at = bytes.find(member, at + 1)) {
            const std::size_t from = at + 8;
            const std::size_t end = bytes.find('"', from);
            if (end != std::string_view::npos && end - from <= wire::name_bytes_max)
                into.insert(prefix + std::string(bytes.substr(from, end - from)));
        }
}

class reader {
public:
    reader(files& from, const layout& where, const recovery_request& what, const line_visitor& visit,
           std::vector<damage>& passed_over)
        : files_(from), where_(where), what_(what), visit_(visit), passed_over_(passed_over) {}

    std::variant<journal_end, damage> run() {
        if (!list_segments() || !check_numbers()) return failure_;
        std::string bytes;
        for (std::size_t i = 0; i < numbers_.size(); ++i) {
            const std::uint64_t number = numbers_[i];
            if (!read_segment(number, bytes)) return failure_;
            if (all_zero(bytes) && i > 0) {
                end_.unused.push_back(number);
                continue;
            }
            if (!end_.unused.empty() && !refuse(number, 0, "there is a segment of zeros before it", bytes))
                return failure_;
            if (i > 0 && end_.torn &&
                !refuse(end_.position.segment, end_.position.offset,
                        "a record is damaged, and later segments exist", torn_text_))
                return failure_;
            if (!walk(number, bytes)) return failure_;
        }
        return std::move(end_);
    }

private:
    bool list_segments() {
        std::vector<std::string> names;
        if (const auto why = files_.list(where_.journal(), names);
            why && why != std::errc::no_such_file_or_directory)
            return fail(where_.journal(), 0, "cannot be read: " + why.message());
        for (const std::string& name : names)
            if (const auto number = file_number(name, ".log"); number && *number >= what_.first_segment)
                numbers_.push_back(*number);
        return true;
    }

    bool check_numbers() {
        const std::uint64_t first = numbers_.empty() ? 0 : numbers_.front();
        if (what_.first_segment != 0 && first != what_.first_segment && !what_.salvage)
            return fail(where_.segment(what_.first_segment), 0, "this segment is missing");
        for (std::size_t i = 1; i < numbers_.size(); ++i)
            if (numbers_[i] != numbers_[i - 1] + 1 && !what_.salvage)
                return fail(where_.segment(numbers_[i - 1] + 1), 0, "this segment is missing");
        return true;
    }

    bool read_segment(std::uint64_t number, std::string& bytes) {
        const auto why = read_all(files_, where_.segment(number), bytes);
        return !why || fail(where_.segment(number), 0, "cannot be read: " + why.message());
    }

    // Reads the whole batches of one segment. What follows them is a torn tail or damage.
    bool walk(std::uint64_t number, std::string_view bytes) {
        const std::uint32_t seed = segment_seed(number);
        end_.position.segment = number;
        end_.position.offset = 0;
        end_.position.previous_crc = seed;
        end_.torn = false;
        std::size_t offset = 0;
        for (;;) {
            if (!take_batches(bytes, seed, offset)) return false;
            const std::string_view rest = bytes.substr(offset);
            if (all_zero(rest)) break;
            const std::size_t wrong = offset + whole_records(rest, seed);
            const auto later = find_later(bytes, wrong, seed);
            if (!later) {
                end_.torn = true;
                end_.torn_bytes = size_without_zeros(rest);
                torn_text_ = rest.substr(0, end_.torn_bytes);
                break;
            }
            const std::string what =
                *later == wrong ? "a record does not follow the one before it"
                                : "a record is damaged, and valid ones of later batches follow at byte " +
                                      std::to_string(*later);
            if (!refuse(number, wrong, what, bytes.substr(wrong, *later - wrong))) return false;
            offset = wrong;
            while (!record_at(bytes, offset, seed) || (offset == wrong && *later != wrong)) ++offset;
            resynchronise_ = true;
        }
        end_.spans.push_back({number, end_.position.sequence});
        return true;
    }

    // Advances over whole batches and visits their commits. Stops before the first batch that is not whole.
    bool take_batches(std::string_view bytes, std::uint32_t seed, std::size_t& offset) {
        std::vector<record> batch;
        std::size_t at = offset;
        std::uint32_t previous = end_.position.previous_crc;
        std::uint64_t sequence = end_.position.sequence;
        while (const auto next = record_at(bytes, at, seed)) {
            if (!follows(*next, batch, previous, sequence)) break;
            at += next->size();
            previous = next->crc;
            if (!(next->flags & control_record) || !started_) sequence = next->sequence;
            batch.push_back(*next);
            started_ = true;
            resynchronise_ = false;
            if (!(next->flags & last_of_batch)) continue;
            if (!show(batch, bytes)) return false;
            end_.last_batch_segment = end_.position.segment;
            end_.last_batch_offset = offset;
            end_.last_batch = bytes.substr(offset, at - offset);
            offset = at;
            end_.position.offset = at;
            end_.position.previous_crc = previous;
            end_.position.batch = next->batch;
            end_.position.sequence = sequence;
            batch.clear();
        }
        return true;
    }

    bool follows(const record& next, const std::vector<record>& batch, std::uint32_t previous,
                 std::uint64_t sequence) const {
        if (resynchronise_) return true;
        if (next.previous != previous) return false;
        const bool control = (next.flags & control_record) != 0;
        if (!started_) return next.sequence <= what_.after_sequence + (control ? 0 : 1) || what_.salvage;
        if (next.sequence != sequence + (control ? 0 : 1)) return false;
        return next.batch == (batch.empty() ? end_.position.batch + 1 : batch.back().batch);
    }

    bool show(const std::vector<record>& batch, std::string_view bytes) {
        for (const record& one : batch) {
            if (one.flags & control_record) continue;
            if (one.sequence <= what_.after_sequence && !what_.shows_earlier) continue;
            const auto shown = visit_(one);
            if (shown) continue;
            const auto place = static_cast<std::size_t>(one.line.data() - bytes.data()) - record_header_bytes;
            if (!refuse(end_.position.segment, place,
                        "the commit " + std::to_string(one.sequence) + " " + shown.error().message, one.line))
                return false;
        }
        return true;
    }

    // The length of the whole records of an incomplete batch.
    std::size_t whole_records(std::string_view rest, std::uint32_t seed) const {
        std::size_t at = 0;
        std::uint32_t previous = end_.position.previous_crc;
        while (const auto next = record_at(rest, at, seed)) {
            if (next->previous != previous || next->batch != end_.position.batch + 1) break;
            previous = next->crc;
            at += next->size();
        }
        return at;
    }

    // The first valid record, at or after `from`, of a batch later than the invalid one. While no record was
    // read, the number of the invalid batch is unknown, and any valid record counts as later.
    std::optional<std::size_t> find_later(std::string_view bytes, std::size_t from,
                                          std::uint32_t seed) const {
        const std::uint64_t wrong_batch = end_.position.batch + 1;
        const std::size_t end = size_without_zeros(bytes);
        for (std::size_t at = from; at + record_header_bytes < end; ++at)
            if (const auto one = record_at(bytes, at, seed))
                if (one->batch > wrong_batch || !started_) return at;
        return std::nullopt;
    }

    bool refuse(std::uint64_t segment, std::uint64_t offset, std::string what, std::string_view around) {
        damage found{where_.segment(segment), offset, {}, std::move(what)};
        std::set<std::string> tables;
        collect_tables(around, tables);
        found.tables.assign(tables.begin(), tables.end());
        if (!what_.salvage) {
            failure_ = std::move(found);
            return false;
        }
        passed_over_.push_back(std::move(found));
        return true;
    }

    bool fail(std::string file, std::uint64_t offset, std::string what) {
        failure_ = {std::move(file), offset, {}, std::move(what)};
        return false;
    }

    files& files_;
    const layout& where_;
    const recovery_request& what_;
    const line_visitor& visit_;
    std::vector<damage>& passed_over_;

    std::vector<std::uint64_t> numbers_;
    journal_end end_;
    std::string torn_text_;
    bool started_ = false;       // a record was read, so that the next sequence and batch are known
    bool resynchronise_ = false; // salvage: the next record need not follow the previous one
    damage failure_;
};

} // namespace

std::variant<journal_end, damage> read_journal(files& from, const layout& where, const recovery_request& what,
                                               const line_visitor& visit, std::vector<damage>& passed_over) {
    return reader(from, where, what, visit, passed_over).run();
}

} // namespace stadion::dbserver
