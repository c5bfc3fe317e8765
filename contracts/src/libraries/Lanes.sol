// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedger} from "../interfaces/ILedger.sol";

/// @notice A lane as the one word in which it lies in storage, lowest bits first:
/// cap 96 | paid 96 | releaseAt 40 | epoch 24.
type LaneWord is uint256;

using Lanes for LaneWord global;

/// @title Lanes
/// @notice Reads and writes a lane with one SLOAD and one SSTORE, where the compiler takes one for each member.
/// @dev The layout is the compiler's own for ILedger.Lane, so the getter of the mapping reads what is written here.
library Lanes {
    uint256 private constant PAID = 96;
    uint256 private constant RELEASE_AT = 192;
    uint256 private constant EPOCH = 232;

    function load(ILedger.Lane storage slot) internal view returns (LaneWord word) {
        assembly ("memory-safe") {
            word := sload(slot.slot)
        }
    }

    function store(ILedger.Lane storage slot, LaneWord word) internal {
        assembly ("memory-safe") {
            sstore(slot.slot, word)
        }
    }

    function cap(LaneWord word) internal pure returns (uint96) {
        return uint96(LaneWord.unwrap(word));
    }

    function paid(LaneWord word) internal pure returns (uint96) {
        return uint96(LaneWord.unwrap(word) >> PAID);
    }

    function releaseAt(LaneWord word) internal pure returns (uint40) {
        return uint40(LaneWord.unwrap(word) >> RELEASE_AT);
    }

    function epoch(LaneWord word) internal pure returns (uint24) {
        return uint24(LaneWord.unwrap(word) >> EPOCH);
    }

    function withCap(LaneWord word, uint96 value) internal pure returns (LaneWord) {
        return _with(word, 0, type(uint96).max, value);
    }

    /// @dev Whether the epoch is the last one.
    function wornOut(LaneWord word) internal pure returns (bool) {
        return LaneWord.unwrap(word) >= uint256(type(uint24).max) << EPOCH;
    }

    /// @dev By how much `total` exceeds the cap; 0 if it does not.
    function room(LaneWord word, uint96 total) internal pure returns (uint256) {
        uint256 had = LaneWord.unwrap(word) & type(uint96).max;
        unchecked {
            return total > had ? total - had : 0;
        }
    }

    /// @dev `added` must come from room(): the sum then fits into the cap's bits.
    function plusCap(LaneWord word, uint256 added) internal pure returns (LaneWord) {
        unchecked {
            return LaneWord.wrap(LaneWord.unwrap(word) + added);
        }
    }

    function withPaid(LaneWord word, uint96 value) internal pure returns (LaneWord) {
        return _with(word, PAID, type(uint96).max, value);
    }

    function withReleaseAt(LaneWord word, uint40 value) internal pure returns (LaneWord) {
        return _with(word, RELEASE_AT, type(uint40).max, value);
    }

    function withEpoch(LaneWord word, uint24 value) internal pure returns (LaneWord) {
        return _with(word, EPOCH, type(uint24).max, value);
    }

    function _with(LaneWord word, uint256 shift, uint256 mask, uint256 value) private pure returns (LaneWord) {
        return LaneWord.wrap(LaneWord.unwrap(word) & ~(mask << shift) | value << shift);
    }
}
