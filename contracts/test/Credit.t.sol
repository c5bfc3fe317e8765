// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Base} from "./support/Base.sol";

contract CreditTest is Base {
    error SupplyTooLarge(uint256 supply, uint256 limit);

    function test_GivenTheConstructor_ItGivesTheWholeSupplyToTheFaucet() external {
        address faucet = address(0xFA);
        token = _credit(faucet, 12_345);
        vm.assertEq(token.totalSupply(), 12_345, "supply");
        vm.assertEq(token.balanceOf(faucet), 12_345, "faucet");
    }

    function test_RevertWhen_TheSupplyDoesNotFitTheLedger() external {
        uint256 limit = type(uint96).max;
        vm.expectRevert(abi.encodeWithSelector(SupplyTooLarge.selector, limit + 1, limit));
        this.deployTooLarge(limit + 1);
    }

    function test_HasSixDecimals() external {
        vm.assertEq(IERC20Metadata(address(_credit(address(0xFA), 1))).decimals(), 6, "decimals");
    }

    function deployTooLarge(uint256 supply) external {
        _credit(address(1), supply);
    }

    function _credit(address faucet, uint256 supply) private returns (IERC20) {
        return IERC20(vm.deployCode("Credit.sol:Credit", abi.encode(faucet, supply)));
    }
}
